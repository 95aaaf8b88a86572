"""Batches by length."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.training.batches import batch_by_length, padded_tokens

LENGTHS = st.lists(st.integers(1, 9000), max_size=80)


@given(LENGTHS, st.integers(1, 9), st.integers(0, 3), st.integers(1, 5))
def test_every_sample_comes_once_an_epoch(lengths: list[int], size: int, epoch: int, window: int) -> None:
    batches = batch_by_length(lengths, size, 0, epoch, window)
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    assert all(1 <= len(batch) <= size for batch in batches)
    assert batches == batch_by_length(lengths, size, 0, epoch, window)
    if batches:
        assert padded_tokens(lengths, batches[:1]) == max(padded_tokens(lengths, [batch]) for batch in batches)


def test_epochs_and_seeds_differ() -> None:
    lengths = list(range(100))
    assert len({str(batch_by_length(lengths, 4, seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


def test_less_is_padded() -> None:
    draw = random.Random(0)
    lengths = [draw.randrange(500, 9000) for _ in range(400)]
    real = sum(lengths)
    free = padded_tokens(lengths, batch_by_length(lengths, 8, 0, 0, window=1))
    sorted_ = padded_tokens(lengths, batch_by_length(lengths, 8, 0, 0))
    assert sorted_ - real < (free - real) / 10


@pytest.mark.parametrize(("size", "window"), [(0, 1), (1, 0)])
def test_sizes_must_be_positive(size: int, window: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        batch_by_length([1], size, 0, 0, window)
