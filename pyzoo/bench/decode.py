"""Generation with Mamba, one token after the other: a model of 24 layers and 768 channels, as the smallest published one."""

import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
from torch import Tensor

from pyzoo.bench import Row, errors_of
from pyzoo.models.graph import GraphedStep
from pyzoo.models.mamba import Mamba, MambaConfig

SIZES = {"cuda": (50280, 768, 24), "cpu": (256, 256, 4)}  # vocabulary, width, layers
BATCHES = {"cuda": (1, 16), "cpu": (1,)}
TOKENS, ROUNDS = 32, 5
Step = Callable[[Tensor], Tensor]  # tokens (B) of streams -> logits (B, V) after them


def eager(model: Mamba, batch: int) -> Step:
    memory = model.start(batch)

    def step(tokens: Tensor) -> Tensor:
        nonlocal memory
        logits, memory = model.step(tokens, memory)
        return logits

    return step


def transformers(model: Mamba) -> Step | None:
    """Hugging Face's Mamba with these weights, if it is installed; its own kernels are used if those are installed too."""
    try:
        import transformers as package
    except ImportError:
        return None
    c = model.config
    config = package.MambaConfig(vocab_size=c.vocab, hidden_size=c.width, state_size=c.state, num_hidden_layers=c.layers,
                                 expand=c.expand, conv_kernel=c.taps, layer_norm_epsilon=c.eps, time_step_rank=c.rank)  # fmt: skip
    with torch.device(model.embedding.device):
        other = package.MambaForCausalLM(config).eval().requires_grad_(False)
    weights = {"backbone.embeddings.weight": model.embedding, "lm_head.weight": model.embedding,
               "backbone.norm_f.weight": model.norm.weight}  # fmt: skip
    names = {"in_proj": "in_proj.weight", "conv_weight": "conv1d.weight", "conv_bias": "conv1d.bias", "x_proj": "x_proj.weight",
             "dt_weight": "dt_proj.weight", "dt_bias": "dt_proj.bias", "a_log": "A_log", "d": "D", "out_proj": "out_proj.weight"}
    for i, (norm, mixer) in enumerate(zip(model.norms, model.mixers, strict=True)):
        at = f"backbone.layers.{i}."
        weights[f"{at}norm.weight"] = norm.weight
        own = dict(mixer.named_parameters()) | {"conv_weight": mixer.conv_weight[:, None]}
        weights |= {f"{at}mixer.{names[name]}": value for name, value in own.items()}
    other.load_state_dict(weights)
    kept: dict[str, object] = {}  # its cache, as `cache_params` before version 5.24

    def step(tokens: Tensor) -> Tensor:
        nonlocal kept
        out = other(tokens[:, None], use_cache=True, **kept)
        kept = {name: value for name, value in out.items() if name in ("cache", "cache_params")}
        return out.logits[:, -1]

    return step


def milliseconds(step: Step, tokens: Tensor) -> float:
    """Of one token, the likeliest after the last: the median of rounds of `TOKENS`."""
    spent = []
    for round_ in range(ROUNDS + 1):
        begun = time.perf_counter()
        for _ in range(TOKENS):
            tokens = step(tokens).argmax(-1)
        tokens.sum().item()
        spent.append(1e3 * (time.perf_counter() - begun) / TOKENS)
    return median(spent[1:])


@torch.no_grad()
def rows(device: str) -> Iterator[Row]:
    """All batches, with the peers that are installed."""
    torch.manual_seed(0)
    vocab, width, layers = SIZES[device]
    plain = Mamba(MambaConfig(vocab, width, layers)).to(device).eval()
    fast = Mamba(MambaConfig(vocab, width, layers, fast_kernels=True)).to(device).eval()
    fast.load_state_dict(plain.state_dict())
    exact = Mamba(plain.config).to(device, torch.float64)
    exact.load_state_dict(plain.state_dict())
    for batch in BATCHES[device]:
        problem = f"{layers} layers, width {width}, batch {batch}"
        ours: dict[str, Step | None] = {"pyzoo": GraphedStep(fast, fast.start(batch)) if device == "cuda" else eager(fast, batch)}
        steps = ours | {"pyzoo, eager": eager(plain, batch), "transformers": transformers(plain)}
        there = {name: step for name, step in steps.items() if step}
        prompt = torch.randint(vocab, (4, batch), device=device)
        outputs, truth = {}, eager(exact, batch)
        for tokens in prompt:
            outputs = {name: step(tokens).clone() for name, step in there.items()}
            expected = truth(tokens)
        errors = errors_of(problem, outputs, expected, torch.float32)
        weights = sum(p.numel() * p.element_size() for p in fast.parameters())
        for name, step in there.items():
            yield Row(problem, name, {"token": milliseconds(step, prompt[-1])}, errors[name], moved=weights, tokens=batch)
