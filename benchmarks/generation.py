"""How much a cache of keys and values saves.

`python benchmarks/generation.py [TOKENS]` writes so many tokens (512 if not given) with a GPT of minGPT's size for
characters, with the cache and by computing every text anew, and prints the seconds of both and whether they wrote the
same."""

import sys
import time

import torch

from pyzoo.models.gpt import GPT, GPTConfig
from pyzoo.tasks.writing import draw, stream

PROMPT, TEMPERATURE, TOP_K, SEED = [1, 2, 3, 4], 1.0, 20, 0


@torch.no_grad()
def anew(model: GPT, count: int) -> list[int]:
    """The tokens that `stream` writes, each from the whole text before it."""
    generator, tokens = torch.Generator().manual_seed(SEED), list(PROMPT)
    for _ in range(count):
        tokens.append(draw(model(torch.tensor([tokens]))[0, -1], TEMPERATURE, TOP_K, generator))
    return tokens[len(PROMPT) :]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    torch.manual_seed(SEED)
    model = GPT(GPTConfig(vocab=65, context=count + len(PROMPT), width=384, depth=6, heads=6)).eval()
    start = time.perf_counter()
    cached = [*stream(model, PROMPT, count, TEMPERATURE, TOP_K, SEED)]
    between = time.perf_counter()
    recomputed = anew(model, count)
    end = time.perf_counter()
    with_cache, without = between - start, end - between
    ratio = without / with_cache
    print(f"{count} tokens: {with_cache:.2f} s with a cache, {without:.2f} s without, {ratio:.1f} times as long")
    print("the same tokens" if cached == recomputed else "the tokens differ")
    sys.exit(cached != recomputed)


if __name__ == "__main__":
    main()
