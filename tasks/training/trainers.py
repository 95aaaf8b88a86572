"""TRL's trainers with batches of about one length, checkpoints that are marked when whole, and a stop that keeps the work."""

import math
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import PartialState
from torch.utils.data import Sampler
from transformers import TrainerCallback
from transformers.trainer_utils import get_last_checkpoint
from trl import DPOTrainer, SFTTrainer

from schemas.errors import ShardError
from tasks.runtime.progress import Event, emit
from tasks.training.batches import batch_by_length
from tasks.training.checkpoints import mark_whole


class LengthSampler(Sampler[int]):  # type: ignore[misc]
    """The order of an epoch, in which neighbours are of about one length; the same on every machine and after every resume.

    Args:
        lengths: tokens of each sample.
        size: samples that are computed at once, on all GPUs.
        seed: of the run.
    """

    def __init__(self, lengths: Sequence[int], size: int, seed: int) -> None:
        self._lengths = lengths
        self._size = size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order is given next, from 0."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        batches = batch_by_length(self._lengths, self._size, self._seed, self._epoch)
        # A batch that is not full goes last: the loader cuts this order into batches again.
        for batch in sorted(batches, key=lambda batch: len(batch) < self._size):
            yield from batch


class _Bucketed:
    args: Any
    train_dataset: Any

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthSampler:
        rows = self.train_dataset if train_dataset is None else train_dataset
        size = self.args.per_device_train_batch_size * self.args.world_size
        return LengthSampler(rows["tokens"][:], size, self.args.seed)


class StoryTrainer(_Bucketed, SFTTrainer):  # type: ignore[misc]
    """Learns answers."""


class PairTrainer(_Bucketed, DPOTrainer):  # type: ignore[misc]
    """Learns to prefer answers."""


class Stop:
    """Whether training is to end after this step."""

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal; the next one of its kind ends the process as if nobody listened."""
        # Nothing is told here: whoever was interrupted may be telling something, and hold the lock for it.
        self.asked = True
        signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.default_int_handler)

    def anywhere(self) -> bool:
        """Whether any process was asked; to be called by all."""
        state = PartialState()
        if state.num_processes > 1:
            flag = torch.tensor(int(self.asked), device=state.device)
            torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
            self.asked = bool(flag.item())
        return self.asked


@contextmanager
def stopping_on_signals() -> Iterator[Stop]:
    """SIGINT and SIGTERM ask for a stop inside the block; in another than the main thread nothing is changed."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Keeper(TrainerCallback):  # type: ignore[misc]
    """Marks checkpoints when they are whole, stops when asked, and tells of progress."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop

    def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Stop after this step where that was asked for."""
        if self._stop.anywhere():
            if state.is_world_process_zero:
                emit(Event("message", text="stopping after this step, with a checkpoint"))
            control.should_save = control.should_training_stop = True
        return control

    def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Mark the checkpoint once all processes have written their part."""
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            last = get_last_checkpoint(args.output_dir)
            if last is None:
                raise ShardError(f"no checkpoint appeared in {args.output_dir}: is the disk full?")
            mark_whole(Path(last))

    def on_log(self, _args: Any, state: Any, _control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Tell the loss, and go no further with one that is no number."""
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        if not math.isfinite(float(loss)):
            raise ShardError(
                f"the loss of step {state.global_step} is {loss}: lower --learning-rate; the last checkpoint is kept"
            )
        if state.is_world_process_zero:
            emit(Event("message", text=f"step {state.global_step} of {state.max_steps}, loss {float(loss):.4f}"))


def save_whole(trainer: Any, processor: Any, target: Path) -> None:
    """Save the trained weights with the processor: under another name first, and renamed when all is there."""
    partial = target.with_name(f"{target.name}.tmp-new")
    state = PartialState()
    if state.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
    state.wait_for_everyone()
    trainer.save_model(str(partial))
    state.wait_for_everyone()
    if state.is_main_process:
        processor.save_pretrained(str(partial))
        (partial / "training_args.bin").unlink(missing_ok=True)  # a pickle, of use to nobody
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    state.wait_for_everyone()
