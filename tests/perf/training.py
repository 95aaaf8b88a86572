"""Fine-tuning: what padding costs, and on a GPU how fast and how large training with the real architecture is.

``python -m tests.perf.training [--stories 3552]`` prints what padding costs, in tokens computed over tokens needed, for batches
as they come and batches of about one length. Lengths are drawn in the published dataset's range: 5 to 22 frames, median 13, 7,500
to 83,600 characters; 3.2 characters a token are assumed.

``python -m tests.perf.training --gpu [--method lora] [--rank 64] [--tokens 8192] [--steps 8]`` builds Qwen2.5-VL-7B with random
weights and trains on one story of that many tokens. MFU is by model FLOPs: a token costs 2 N forward for the N weights of the
language model's layers and head, 2 N backward through them and, where they are trained, 2 N for their gradients; attention adds
2 L h T forward (causal) and twice that backward; what checkpointing computes again and the vision tower do not count. The peak is
that of the card's data sheet (H100 and H200: 989 TFLOP/s in bf16, dense).
"""

import argparse
import random
import time
from typing import Any

from tasks.training.batches import batch_by_length, padded_tokens

CHARACTERS_A_TOKEN = 3.2
PICTURE_TOKENS = 137
PROMPT_TOKENS = 110
PEAK_FLOPS = 989e12


def draw_lengths(stories: int, seed: int = 0) -> list[int]:
    """Tokens of that many stories."""
    draw = random.Random(seed)
    lengths = []
    for _ in range(stories):
        # A triangle has the published range, and with its top at 12 a median of 13.
        frames = round(draw.triangular(5, 22, 12))
        characters = frames * draw.uniform(1500, 3800)
        lengths.append(round(PROMPT_TOKENS + frames * PICTURE_TOKENS + characters / CHARACTERS_A_TOKEN))
    return lengths


def measure_padding(stories: int) -> None:
    """Print what padding costs."""
    lengths = draw_lengths(stories)
    needed, longest = sum(lengths), max(lengths)
    print(f"{stories} stories, {needed / stories:,.0f} tokens on average, the longest {longest:,}")
    print("samples at once | padded to the longest of all | as they come | of one length | saved over as they come")
    for size in (1, 2, 4, 8, 32):
        naive = padded_tokens(lengths, batch_by_length(lengths, size, 0, 0, window=1))
        bucketed = padded_tokens(lengths, batch_by_length(lengths, size, 0, 0))
        fixed = stories * longest
        figures = (
            f"{fixed / needed:.2f} | {naive / needed:.2f} | {bucketed / needed:.2f} | {naive / bucketed:.2f} times"
        )
        print(f"{size:>15} | {figures}")


def measure_gpu(method: str, rank: int, tokens: int, steps: int) -> None:
    """Print tokens a second, MFU and memory of training steps on this machine's GPU."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    from tasks.train import LORA_TARGETS

    config = Qwen2_5_VLConfig()
    text = config.text_config
    sizes = {"hidden_size": 3584, "intermediate_size": 18_944, "num_hidden_layers": 28, "vocab_size": 152_064}
    for name, value in {**sizes, "num_attention_heads": 28, "num_key_value_heads": 4}.items():
        setattr(text, name, value)
    config.vision_config.out_hidden_size = 3584
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16 if method == "lora" else torch.float32)
    with torch.device("cuda"):
        network: Any = Qwen2_5_VLForConditionalGeneration._from_config(config, attn_implementation="sdpa")
    torch.set_default_dtype(torch.float32)
    layers = sum(p.numel() for p in network.model.language_model.layers.parameters()) + network.lm_head.weight.numel()
    network.gradient_checkpointing_enable()
    network.enable_input_require_grads()
    if method == "lora":
        network = get_peft_model(network, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=LORA_TARGETS))
    elif method == "language-only":
        network.model.visual.requires_grad_(requires_grad=False)
    network.train()
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-5, fused=True)
    ids = torch.randint(1000, 100_000, (1, tokens), device="cuda")
    times = []
    for _ in range(steps + 2):
        torch.cuda.synchronize()
        begun = time.monotonic()
        with torch.autocast("cuda", torch.bfloat16):
            loss = network(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        torch.cuda.synchronize()
        times.append(time.monotonic() - begun)
    seconds = sorted(times[2:])[steps // 2]
    weights = (4 if method == "lora" else 6) * layers
    attention = 3 * 2 * text.num_hidden_layers * text.hidden_size * tokens
    mfu = (weights + attention) * tokens / seconds / PEAK_FLOPS
    memory = torch.cuda.max_memory_allocated() / 2**30
    print(f"{method}, {tokens} tokens: {tokens / seconds:,.0f} tokens/s, MFU {mfu:.1%}, {memory:.1f} GiB at most")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=3552)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--method", choices=("lora", "full", "language-only"), default="lora")
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--steps", type=int, default=8)
    args = parser.parse_args()
    if args.gpu:
        measure_gpu(args.method, args.rank, args.tokens, args.steps)
    else:
        measure_padding(args.stories)
        print("on a GPU: not measured here (python -m tests.perf.training --gpu)")


if __name__ == "__main__":
    main()
