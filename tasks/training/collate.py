"""Stories as batches: pictures, then text, then the answer, of which alone the loss is taken."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from PIL import Image

from tasks.training.prompt import make_messages

END = "<|im_end|>"
AFTER_END = "\n"
IGNORED = -100
"""The label of what is not learned."""


class StoryCollator:
    """Makes batches of rows with ``images`` (encoded pictures) and ``answer``.

    Each row is the prompt as it stands at inference, followed by the answer and the end of its turn. What a batch holds is
    padded on the right: ``input_ids``, ``attention_mask``, ``labels`` and ``mm_token_type_ids``, all ``(rows, tokens)``;
    ``pixel_values`` and ``image_grid_thw`` of all pictures in order. Without ``mm_token_type_ids`` the model would take
    pictures for text when it counts positions, and say nothing.
    """

    def __init__(self, processor: Any) -> None:
        tokenizer = processor.tokenizer
        self._processor = processor
        self._tokenizer = tokenizer
        self._padding = int(tokenizer.pad_token_id)
        self._end = self._tokens(END)
        self._after = self._tokens(AFTER_END)
        if len(self._end) != 1:
            raise ValueError(f"{END} is no token of its own")

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A batch."""
        return self.batch([(row["images"], row["answer"]) for row in rows])

    def batch(self, samples: Sequence[tuple[Sequence[bytes], str]]) -> dict[str, Any]:
        """A batch of encoded pictures, each with its answer."""
        told = [self._encode(images, answer) for images, answer in samples]
        longest = max(len(one["input_ids"]) for one in told)
        padding = {"input_ids": self._padding, "attention_mask": 0, "labels": IGNORED, "mm_token_type_ids": 0}
        batch = {
            name: torch.stack(
                [torch.nn.functional.pad(one[name], (0, longest - len(one[name])), value=value) for one in told]
            )
            for name, value in padding.items()
        }
        for name in ("pixel_values", "image_grid_thw"):
            batch[name] = torch.cat([one[name] for one in told])
        return batch

    def prompt(self, images: Sequence[bytes]) -> Any:
        """What the model is given at inference: a batch of one."""
        return self._processor(
            text=[
                self._processor.apply_chat_template(
                    make_messages(len(images)), tokenize=False, add_generation_prompt=True
                )
            ],
            images=[decode_picture(image) for image in images],
            return_tensors="pt",
        )

    def _encode(self, images: Sequence[bytes], answer: str) -> dict[str, Any]:
        prompt = self.prompt(images)
        begun = prompt["input_ids"][0]
        learned = self._tokens(answer) + self._end
        ended = torch.tensor(learned + self._after, dtype=begun.dtype)
        ids = torch.cat([begun, ended])
        labels = torch.cat([torch.full_like(begun, IGNORED), ended])
        labels[len(begun) + len(learned) :] = IGNORED
        kinds = prompt["mm_token_type_ids"][0]
        return {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "labels": labels,
            "mm_token_type_ids": torch.cat([kinds, kinds.new_zeros(len(ended))]),
            "pixel_values": prompt["pixel_values"],
            "image_grid_thw": prompt["image_grid_thw"],
        }

    def _tokens(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


class PairCollator:
    """Makes batches for DPO of rows with ``images``, ``answer`` and ``rejected``: first all answers, then all rejected ones."""

    def __init__(self, processor: Any) -> None:
        self._stories = StoryCollator(processor)

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A batch; ``completion_mask`` says which tokens are an answer's."""
        batch = self._stories.batch(
            [*((row["images"], row["answer"]) for row in rows), *((row["images"], row["rejected"]) for row in rows)]
        )
        batch["completion_mask"] = (batch.pop("labels") != IGNORED).long()
        return batch


def decode_picture(content: bytes) -> Image.Image:
    """A picture in RGB."""
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB")
