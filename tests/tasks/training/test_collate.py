"""Batches: what is learned, where pictures stand, and the positions that the model gives its tokens."""

from typing import Any

import pytest

from tasks.pack import measure_with
from tasks.training.budget import count_prompt
from tasks.training.prompt import REQUEST, SYSTEM_PROMPT
from tests.tasks.conftest import Tiny
from tests.tiny_stories import FRAMES, SIDE, paint_frame, tell

pytestmark = pytest.mark.slow

ANSWER, SHORT = "\n".join(tell(0)), "<think>\nx\n</think>\ny"
WIDE = [paint_frame(1, 1, 84), paint_frame(1, 2)]
"""A picture of 3 by 3 patches and one of 2 by 2."""


@pytest.fixture(scope="module")
def processor(tiny: Tiny) -> Any:
    from tasks.training.network import load_processor

    return load_processor(tiny.base)


@pytest.fixture(scope="module")
def collator(processor: Any) -> Any:
    from tasks.training.collate import StoryCollator

    return StoryCollator(processor)


def pictures(count: int) -> list[bytes]:
    return [paint_frame(0, number) for number in range(1, count + 1)]


def test_the_loss_is_of_the_answer_alone(collator: Any, processor: Any) -> None:
    batch = collator([{"images": pictures(2), "answer": ANSWER}, {"images": pictures(1), "answer": SHORT}])
    decode = processor.tokenizer.decode
    for row, answer in enumerate((ANSWER, SHORT)):
        learned = batch["labels"][row] != -100
        assert decode(batch["input_ids"][row][learned]) == f"{answer}<|im_end|>"
        before = decode(batch["input_ids"][row][: int(learned.nonzero()[0])])
        count = 2 - row
        shown = f"<|vision_start|>{'<|image_pad|>' * 4}<|vision_end|>" * count
        assert before == (
            f"<|im_start|>system\n{SYSTEM_PROMPT}<|im_end|>\n<|im_start|>user\n{shown}{REQUEST}<|im_end|>\n"
            "<|im_start|>assistant\n"
        )
    padding = batch["attention_mask"][1] == 0
    assert padding.any()
    assert (batch["labels"][1][padding] == -100).all()
    assert (batch["input_ids"][1][padding] == processor.tokenizer.pad_token_id).all()


def test_the_prompt_is_that_of_inference(collator: Any) -> None:
    batch = collator([{"images": pictures(2), "answer": ANSWER}])
    prompt = collator.prompt(pictures(2))["input_ids"][0]
    assert batch["input_ids"][0][: len(prompt)].tolist() == prompt.tolist()
    assert batch["pixel_values"].equal(collator.prompt(pictures(2))["pixel_values"])


def test_the_budget_counts_every_token(collator: Any, processor: Any) -> None:
    measures = measure_with(processor)
    images = pictures(FRAMES)
    batch = collator([{"images": images, "answer": ANSWER}])
    counted = count_prompt(SYSTEM_PROMPT, REQUEST, [(SIDE, SIDE)] * FRAMES, measures.pixels, measures.count)
    assert counted + measures.count(ANSWER) == batch["input_ids"].shape[1]


def positions_by_hand(ids: list[int], grids: list[tuple[int, int]], image: int) -> list[tuple[int, int, int]]:
    """Time, height and width of each token: text counts on, a picture is a grid that begins where the text stopped."""
    told, at, now = [], 0, 0
    todo = list(grids)
    while at < len(ids):
        if ids[at] != image:
            told.append((now, now, now))
            at, now = at + 1, now + 1
            continue
        high, wide = todo.pop(0)
        told += [(now, now + row, now + column) for row in range(high) for column in range(wide)]
        at, now = at + high * wide, now + max(high, wide)
    return told


def seen_positions(network: Any, batch: dict[str, Any]) -> Any:
    """The positions at which the language model is run."""
    kept: list[Any] = []
    hook = network.model.language_model.register_forward_pre_hook(
        lambda _, __, given: kept.append(given["position_ids"]), with_kwargs=True
    )
    try:
        network(**batch)
    finally:
        hook.remove()
    return kept[0]


def test_positions_of_a_padded_batch_are_those_worked_out_by_hand(tiny: Tiny, collator: Any, processor: Any) -> None:
    import torch

    from tasks.training.network import load_network

    network = load_network(tiny.base, torch.float32).eval()
    batch = collator([{"images": WIDE, "answer": ANSWER}, {"images": pictures(1), "answer": SHORT}])
    seen = seen_positions(network, batch)
    image = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    for row, grids in enumerate(([(3, 3), (2, 2)], [(2, 2)])):
        there = batch["attention_mask"][row].bool()
        expected = positions_by_hand(batch["input_ids"][row][there].tolist(), grids, image)
        assert seen[-3:, row, there].T.tolist() == [list(one) for one in expected]
    # What this test is for: without the kinds of tokens the model takes other positions, and says nothing.
    del batch["mm_token_type_ids"]
    wrong = seen_positions(network, batch)
    assert wrong is None or not torch.equal(wrong[-3:], seen[-3:])


def test_padding_changes_no_loss(tiny: Tiny, collator: Any) -> None:
    import torch

    from tasks.training.network import load_network

    network = load_network(tiny.base, torch.float32).eval()
    rows = [{"images": WIDE, "answer": ANSWER}, {"images": pictures(1), "answer": SHORT}]
    with torch.no_grad():
        apart = [collator([row]) for row in rows]
        counts = [int((batch["labels"] != -100).sum()) for batch in apart]
        losses = [float(network(**batch).loss) for batch in apart]
        together = float(network(**collator(rows)).loss)
    weighted = sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)
    assert together == pytest.approx(weighted, rel=1e-5)
