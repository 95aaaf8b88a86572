"""The first layers computed in part, against the whole network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.models.onnx_graph import free_batch, read_network, take_pixels
from tasks.models.onnx_stem import Sight, Stem, find_cut
from tests.tasks.models.production.networks import make_scrfd

for module in ("onnx", "onnxruntime"):
    pytest.importorskip(module)

SIDE = 128


def open_session(network: Any) -> Any:
    import onnxruntime

    return onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Any:
    found = read_network(make_scrfd(tmp_path_factory.mktemp("stem") / "deep.onnx", deep=True))
    take_pixels(found, 127.5, 128.0)
    free_batch(found)
    return found


@pytest.fixture(scope="module")
def run_whole(network: Any) -> Callable[[Any], list[Any]]:
    session = open_session(network)
    return lambda images: session.run(None, {"pixels_": images})


@pytest.fixture(scope="module")
def stem(network: Any) -> Stem:
    found = find_cut(network)
    assert found is not None
    return Stem(network, found, open_session)


def test_what_a_cell_sees_by_hand() -> None:
    """Windows of 3 with a padding of 1: one cell more on both sides, in pixels what a cell was before."""
    halved = Sight().through(3, 2, 1)
    assert halved == Sight(2, 1, 1)
    quarter = halved.through(3, 2, 1)
    assert quarter == Sight(4, 3, 3)
    assert quarter.through(3, 1, 1).through(3, 1, 1) == Sight(4, 11, 11)
    assert Sight(4, 3, 3).with_other(Sight(4, 11, 7)) == Sight(4, 11, 7)
    assert Sight().through(2, 2, 0) == Sight(2, 0, 1)


def test_which_cells_are_blank_and_what_the_others_need_by_hand() -> None:
    """Of 90 pixels the last is 89; cell 25 sees from 100 - 11 = 89 on, cell 26 from 93 on. Cell 25 sees up to 111."""
    sight = Sight(4, 11, 11)
    assert sight.blank_from(90) == 26
    assert sight.needed(26) == 112


def test_the_cut_is_behind_the_residual_block(network: Any) -> None:
    found = find_cut(network)
    assert found is not None
    index, value, sight = found
    assert (value, sight) == ("block.relu2", Sight(4, 11, 11))
    assert network.graph.node[index].output[0] == value


def change(network: Any, name: str, **settings: Any) -> Any:
    """A copy of a network, one node of which has other settings."""
    from onnx import ModelProto, helper

    copy = ModelProto()
    copy.CopyFrom(network)
    (node,) = (node for node in copy.graph.node if node.output[0] == name)
    node.attribute.extend(helper.make_attribute(key, value) for key, value in settings.items())
    return copy


def test_nothing_is_cut_that_something_goes_around(network: Any) -> None:
    """What is read again later, or given out, must not lie in the first part alone."""
    from onnx import ModelProto, helper

    around = ModelProto()
    around.CopyFrom(network)
    around.graph.node.append(helper.make_node("Relu", ["stem.pool"], ["again"]))
    around.graph.output.append(helper.make_tensor_value_info("again", 1, None))
    assert find_cut(around)[1] == "stem.pool"  # type: ignore[index]
    around.graph.output.append(helper.make_tensor_value_info("stem.pool", 1, None))
    assert find_cut(around)[1] == "stem.relu"  # type: ignore[index]


def test_nothing_is_cut_behind_a_layer_whose_sight_is_not_known(network: Any) -> None:
    assert find_cut(change(network, "block.conv1", auto_pad="SAME_UPPER"))[1] == "stem.pool"  # type: ignore[index]
    assert find_cut(change(network, "block.conv1", dilations=[2, 2]))[1] == "stem.pool"  # type: ignore[index]
    assert find_cut(change(network, "stem.pool", ceil_mode=1))[1] == "stem.relu"  # type: ignore[index]


def test_a_network_without_small_cells_has_no_cut(tmp_path: Path) -> None:
    network = read_network(make_scrfd(tmp_path / "flat.onnx"))
    take_pixels(network, 127.5, 128.0)
    assert find_cut(network) is None


def picture(height: int, width: int, count: int = 1) -> Any:
    images = np.zeros((count, SIDE, SIDE, 3), np.uint8)
    shape = (count, height, width, 3)
    images[:, :height, :width] = np.random.default_rng(height).integers(0, 256, shape, dtype=np.uint8)
    return images


@settings(max_examples=40, deadline=None)
@given(st.integers(1, SIDE), st.integers(1, SIDE), st.integers(1, 3))
def test_the_parts_give_what_the_whole_gives(
    stem: Stem, run_whole: Callable[[Any], list[Any]], height: int, width: int, count: int
) -> None:
    images = picture(height, width, count)
    for one, other in zip(stem.run(images, (height, width)), run_whole(images), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_one_pixel_less_would_be_wrong(stem: Stem, run_whole: Callable[[Any], list[Any]]) -> None:
    """What is computed is needed: told of less than there is, the parts give something else."""
    images = picture(64, SIDE)
    gaps = [
        max(
            np.abs(one - other).max()
            for one, other in zip(stem.run(images, (told, SIDE)), run_whole(images), strict=True)
        )
        for told in (64, 60)
    ]
    assert gaps[0] < 1e-5 < 1e-3 < gaps[1]


def test_where_it_saves(stem: Stem) -> None:
    """640 x 360 needs cells up to ceil(371 / 4) = 93, so pixels up to 92 * 4 + 12 = 380; a full square saves nothing."""
    assert stem.saves(640, (360, 640))
    assert stem.saves(640, (640, 360))
    assert not stem.saves(640, (560, 640))
    assert not stem.saves(640, (640, 640))
