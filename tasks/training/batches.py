"""Batches of samples of about one length, so that little is padded."""

import random
from collections.abc import Sequence

from schemas.errors import ConfigError


def batch_by_length(lengths: Sequence[int], size: int, seed: int, epoch: int, window: int = 50) -> list[list[int]]:
    """Indices in batches: shuffled anew each epoch, but each batch of neighbours in length.

    The samples are shuffled, cut into windows of ``window`` batches, sorted by length within each, cut into batches, and the
    batches shuffled. The same arguments give the same batches on every machine; the longest batch goes first, so that
    memory that does not suffice is noticed in the first step.

    Args:
        lengths: of the samples, in tokens.
        size: samples of a batch; the last one may have fewer.
        seed: of the run.
        epoch: from 0.
        window: batches over which lengths are sorted; 1 shuffles freely.

    Raises:
        ValueError: ``size`` or ``window`` is below 1.
    """
    if size < 1 or window < 1:
        raise ValueError("size and window must be at least 1")
    draw = random.Random(f"{seed}/{epoch}")  # noqa: S311 - no secret
    order = list(range(len(lengths)))
    draw.shuffle(order)
    batches = []
    for start in range(0, len(order), size * window):
        part = sorted(order[start : start + size * window], key=lambda index: lengths[index])
        batches += [part[at : at + size] for at in range(0, len(part), size)]
    draw.shuffle(batches)
    if batches:
        longest = max(range(len(batches)), key=lambda at: padded_tokens(lengths, [batches[at]]))
        batches.insert(0, batches.pop(longest))
    return batches


def padded_tokens(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> int:
    """Tokens that are computed, those of the padding included."""
    return sum(len(batch) * max((lengths[index] for index in batch), default=0) for batch in batches)


def divide_batch(batch: int, longest: int, micro_tokens: int, processes: int) -> tuple[int, int]:
    """Stories that one GPU takes at once, and how often it does so before a step.

    The most stories that divide evenly and whose tokens, all as long as the longest, stay within ``micro_tokens``; one at least.

    Args:
        batch: stories a step, over all GPUs.
        longest: tokens of the longest sample.
        micro_tokens: tokens that one GPU takes at once.
        processes: GPUs.

    Raises:
        ConfigError: the batch does not divide evenly among the GPUs.
    """
    if batch % processes:
        raise ConfigError(
            f"a batch of {batch} cannot be shared by {processes} GPUs: give a --batch-size that divides evenly"
        )
    own = batch // processes
    micro = max(size for size in range(1, own + 1) if own % size == 0 and (size == 1 or size * longest <= micro_tokens))
    return micro, own // micro
