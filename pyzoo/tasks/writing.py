"""Sampling text from a language model, one token of a stream at a time."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from pyzoo.data.shakespeare import Codec
from pyzoo.models.graph import GraphedStep


def draw(logits: Tensor, temperature: float, top_k: int | None, generator: torch.Generator) -> int:
    """A token drawn by softmax(logits / temperature), among the `top_k` likeliest: logits (V)."""
    logits = logits.float().cpu() / temperature
    if top_k is not None:
        best, places = logits.topk(min(top_k, len(logits)))
        return int(places[torch.multinomial(best.softmax(-1), 1, generator=generator)])
    return int(torch.multinomial(logits.softmax(-1), 1, generator=generator))


def _read(model: nn.Module, tokens: list[int]) -> tuple[Tensor, Any]:
    """The logits (V) after some tokens, and the memory of a stream that has seen them: all at once where a model can."""
    x = torch.tensor([tokens], device=next(model.parameters()).device)
    memory = model.start(1)
    if hasattr(model, "extend"):
        logits, memory = model.extend(x, memory)
        return logits[0, -1], memory
    for token in x.split(1, 1):
        logits, memory = model.step(token[:, 0], memory)
    return logits[0], memory


@torch.no_grad()
def stream(model: nn.Module, tokens: list[int], count: int, temperature: float, top_k: int | None,
           seed: int) -> Iterator[int]:  # fmt: skip
    """`count` tokens after the given ones. A model that sees a context of C tokens starts anew with the last C / 2 of them
    when it is full."""
    generator = torch.Generator().manual_seed(seed)
    context = getattr(model.config, "context", None)
    tokens, device = list(tokens), next(model.parameters()).device
    logits, memory = _read(model, tokens[-context:] if context else tokens)
    held = min(len(tokens), context) if context else 0
    graphed = GraphedStep(model, memory) if device.type == "cuda" and not context else None
    for i in range(count):
        tokens.append(draw(logits, temperature, top_k, generator))
        yield tokens[-1]
        if i + 1 == count:
            return
        if context and held == context:
            held = max(1, context // 2)
            logits, memory = _read(model, tokens[-held:])
        else:
            last = torch.tensor(tokens[-1:], device=device)
            logits, memory = (graphed(last), None) if graphed else model.step(last, memory)
            logits, held = logits[0], held + 1


def write(model: nn.Module, codec: Codec, config: Any, seed: int, show: Callable[[str], None] = lambda piece: None) -> str:
    """The settings' prompt and the text after it, which `show` is also given piece by piece. Raises InputError if the
    prompt has a character that the model has never seen."""
    prompt, tokens, text = codec.encode(config.prompt, config.vocabulary).tolist(), [], ""
    show(config.prompt)
    for token in stream(model, prompt, config.generate, config.temperature, config.top_k, seed):
        tokens.append(token)
        now = codec.decode(tokens, config.vocabulary)
        if not now.endswith("\ufffd"):  # else a character whose bytes are not all there
            show(now[len(text) :])
            text = now
    rest = codec.decode(tokens, config.vocabulary)
    show(rest[len(text) :])
    return config.prompt + rest
