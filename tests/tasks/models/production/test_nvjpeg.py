"""Decoding on a GPU: there is none here, so Pillow plays torchvision's decoder and says what that would say."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flows.presets import load_config
from schemas.config import BuildConfig, DetectConfig
from schemas.errors import ConfigError, ModelError
from tasks.models import nvjpeg, registry
from tasks.models.device import Device
from tasks.models.nvjpeg import NvJpeg, open_nvjpeg
from tasks.models.options import Options
from tests.tasks.models.production.networks import pictures

torch = pytest.importorskip("torch")
torchvision_io = pytest.importorskip("torchvision.io")


def encode(image: np.ndarray, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()


class Decoder:
    """As ``torchvision.io.decode_jpeg`` on a card, but for rounding: every value is one higher, so that it is known again."""

    def __init__(self, fail: Callable[[bytes], str] = lambda _: "") -> None:
        self.fail = fail
        self.calls: list[tuple[int, Any, str]] = []

    def __call__(self, files: list[Any], mode: Any, device: str) -> list[Any]:
        self.calls.append((len(files), mode, device))
        contents = [bytes(file.numpy()) for file in files]
        for content in contents:
            if reason := self.fail(content):
                raise RuntimeError(reason)
        pixels = [np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) for content in contents]
        return [torch.from_numpy(np.minimum(p, 254) + 1).permute(2, 0, 1) for p in pixels]


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Callable[[Decoder], Decoder]:
    """Put a decoder in torchvision's place, and a GPU into the machine."""

    def put(decoder: Decoder) -> Decoder:
        monkeypatch.setattr("torchvision.io.decode_jpeg", decoder)
        monkeypatch.setattr(
            nvjpeg, "choose_device", lambda device, _: Device("cpu" if device == "cpu" else "cuda:1", True)
        )
        registry._open_decoder.cache_clear()
        return decoder

    return put


def expected(content: bytes) -> np.ndarray:
    pixels: np.ndarray = np.minimum(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")), 254) + 1
    return pixels


def test_a_batch_is_one_call(card: Callable[[Decoder], Decoder]) -> None:
    decoder = card(Decoder())
    contents = [encode(image) for image in pictures(5)]
    found = NvJpeg(Device("cuda:1", True)).decode(contents)
    assert decoder.calls == [(5, torchvision_io.ImageReadMode.RGB, "cuda:1")]
    for pixels, content in zip(found, contents, strict=True):
        assert pixels is not None
        assert pixels.flags.c_contiguous
        assert np.array_equal(pixels, expected(content))


def test_what_it_does_not_know_is_left_and_the_rest_is_decoded_all_the_same(card: Callable[[Decoder], Decoder]) -> None:
    images = pictures(6)
    contents = [encode(image, progressive=k == 2) for k, image in enumerate(images)]
    contents[4] = encode(images[4], "PNG")
    decoder = card(Decoder(lambda content: "unsupported" if content == contents[2] else ""))
    found = NvJpeg(Device("cuda:1", True)).decode(contents)
    assert [k for k, pixels in enumerate(found) if pixels is None] == [2, 4]
    for k in (0, 1, 3, 5):
        pixels = found[k]
        assert pixels is not None
        assert np.array_equal(pixels, expected(contents[k])), "the same as without the one beside it"
    assert [count for count, *_ in decoder.calls] == [5, 1, 1, 1, 1, 1]


def test_nothing_is_asked_for_where_nothing_is_a_jpeg(card: Callable[[Decoder], Decoder]) -> None:
    decoder = card(Decoder())
    assert NvJpeg(Device("cuda:0", True)).decode([]) == []
    assert NvJpeg(Device("cuda:0", True)).decode([encode(pictures(1)[0], "PNG")]) == [None]
    assert decoder.calls == []


def test_memory_that_ran_out_is_no_reason_for_other_pixels(card: Callable[[Decoder], Decoder]) -> None:
    card(Decoder(lambda _: "CUDA out of memory. Tried to allocate"))
    with pytest.raises(ModelError, match="not enough memory on cuda:1 to decode frames") as caught:
        NvJpeg(Device("cuda:1", True)).decode([encode(pictures(1)[0])])
    assert "\n" not in str(caught.value)


def test_it_is_tried_before_any_work(card: Callable[[Decoder], Decoder]) -> None:
    decoder = card(Decoder())
    assert open_nvjpeg(Options()).decode([encode(pictures(1)[0])])[0] is not None
    assert [count for count, *_ in decoder.calls] == [1, 1]
    card(Decoder(lambda _: "decode_jpegs_cuda: torchvision not compiled with nvJPEG support"))
    with pytest.raises(ConfigError, match="this torchvision is a build without it; set decode to libjpeg") as caught:
        open_nvjpeg(Options())
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="needs a GPU, and the model runs on the CPU: set decode to libjpeg"):
        open_nvjpeg(Options(device="cpu"))


def test_the_decoder_is_what_the_configuration_says(card: Callable[[Decoder], Decoder]) -> None:
    card(Decoder())
    assert registry.frame_decoder("libjpeg", Options()) is None
    first = registry.frame_decoder("nvjpeg", Options(batch=8))
    assert first is not None
    assert registry.frame_decoder("nvjpeg", Options(batch=64)) is first, "one a device"


def test_a_key_tells_which_it_was() -> None:
    plain, asked = DetectConfig(), DetectConfig(decode="nvjpeg")
    assert "decode" not in plain.model_dump(mode="json"), "shards that stand keep their keys"
    assert asked.model_dump(mode="json")["decode"] == "nvjpeg"
    with pytest.raises(ValueError, match="decode"):
        DetectConfig.model_validate({"decode": "dali"})


@pytest.mark.parametrize("section", ["detect", "faces", "appearance"])
def test_a_machine_that_cannot_is_told_before_any_work(section: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = load_config("embedded").model_dump()
    values[section]["decode"] = "nvjpeg"
    registry._open_decoder.cache_clear()
    monkeypatch.setattr(nvjpeg, "choose_device", lambda *_: Device("cpu", False))
    with pytest.raises(ConfigError, match="decode = nvjpeg needs a GPU"):
        registry.prepare_models(BuildConfig.model_validate(values))


def test_a_stage_sees_the_pixels_of_the_card(
    card: Callable[[Decoder], Decoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the configuration to what the detector is given, with the embedded models."""
    from tasks import detect
    from tasks.runtime.engine import PlainRunner, stage_task
    from tasks.runtime.stage import RunSpec
    from tests.fakes import PaintedDetector

    seen: list[np.ndarray] = []

    class Watching(PaintedDetector):
        def detect(self, images: Any) -> Any:
            seen.extend(images)
            return super().detect(images)

    card(Decoder())
    monkeypatch.setattr(detect, "create_detector", lambda *_, **__: Watching())
    folder = tmp_path / "frames"
    folder.mkdir()
    contents = [encode(image) for image in pictures(3, ((144, 256),))]
    for k, content in enumerate(contents):
        (folder / f"film_scene_1_{k}.jpg").write_bytes(content)
    config = load_config("embedded").model_dump()
    config["detect"]["decode"] = "nvjpeg"
    run = RunSpec(str(tmp_path / "w"), str(folder), BuildConfig.model_validate(config))
    from tasks.plan import plan

    runner = PlainRunner()
    shards = plan(run)
    done = runner.through([stage_task(name) for name in ("ingest", "select", "detect")], shards, run)
    assert len(done) == 1
    assert len(seen) == 3
    for pixels, content in zip(seen, contents, strict=True):
        assert np.array_equal(pixels, expected(content))
