"""Training steps of GPT, in bfloat16 and compiled on a GPU: ours, and a script as people write it from PyTorch's modules."""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyzoo.bench import Row, errors_of, times
from pyzoo.models.gpt import GPT
from pyzoo.tasks import gpt
from pyzoo.train.config import TrainConfig
from pyzoo.train.loop import adamw

PROBLEMS = {  # preset, vocabulary, texts of a step
    "cuda": (("karpathy", 65, 64), ("GPT-2", 50257, 16)),
    "cpu": (("laptop", 65, 32),),
}


class Block(nn.Module):
    def __init__(self, width: int, heads: int, tanh: bool) -> None:
        super().__init__()
        self.heads = heads
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gelu = nn.GELU("tanh" if tanh else "none")

    def forward(self, x: Tensor) -> Tensor:
        B, T, D = x.shape
        q, k, v = (y.view(B, T, self.heads, -1).transpose(1, 2) for y in self.qkv(self.ln_1(x)).split(D, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B, T, D)
        x = x + self.proj(y)
        return x + self.fc2(self.gelu(self.fc1(self.ln_2(x))))


class Modules(nn.Module):
    """The same network from PyTorch's modules; its vocabulary is padded to a multiple of 64, as such scripts do it for speed."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        c = model.config
        self.vocab, padded = c.vocab, -(-c.vocab // 64) * 64 if c.vocab > 1000 else c.vocab
        self.wte, self.wpe = nn.Embedding(padded, c.width), nn.Embedding(c.context, c.width)
        self.blocks = nn.ModuleList(Block(c.width, c.heads, c.tanh) for _ in range(c.depth))
        self.ln_f, self.head = nn.LayerNorm(c.width), nn.Linear(c.width, padded, bias=False)
        if c.tied:
            self.head.weight = self.wte.weight
        names = {"ln_1": "norm1", "ln_2": "norm2"}
        with torch.no_grad():
            self.wte.weight[: c.vocab], self.wpe.weight[:] = model.token_weight, model.position_weight
            self.head.weight[: c.vocab] = model.weights()["head_weight"]
            self.ln_f.weight[:], self.ln_f.bias[:] = model.norm_weight, model.norm_bias
            for own, other in zip(self.blocks, model.blocks, strict=True):
                for name, value in own.named_parameters():
                    layer, kind = name.split(".")
                    value.copy_(getattr(other, f"{names.get(layer, layer)}_{kind}"))

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.wte(tokens) + self.wpe.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.ln_f(x))

    def loss(self, tokens: Tensor, after: Tensor) -> Tensor:
        return F.cross_entropy(self(tokens).flatten(0, 1), after.flatten())


def training(model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], windows: Tensor) -> Callable[[], None]:
    """A step as `pyzoo run` takes it, on windows (B, T + 1)."""
    optimizer = adamw(model, TrainConfig())

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss(windows[:, :-1], windows[:, 1:]).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def rows(device: str) -> Iterator[Row]:
    """All sizes."""
    for preset, vocab, batch in PROBLEMS[device]:
        torch.manual_seed(0)
        ours = gpt.build(preset, vocab, published=preset == "GPT-2", fast=True).to(device)
        modules = Modules(ours).to(device)
        tokens = torch.randint(vocab, (batch, ours.config.context + 1), device=device)
        problem = f"{preset}, batch {batch} x {ours.config.context}"
        compiled = torch.compile(modules.loss) if device == "cuda" else modules.loss

        def loss(tokens: Tensor, after: Tensor, compiled: Callable[..., Tensor] = compiled) -> Tensor:
            with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                return compiled(tokens, after)

        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            outputs = {"pyzoo": ours(tokens[:1, :-1]), "PyTorch's modules": modules(tokens[:1, :-1])[..., :vocab]}
            twin = gpt.build(preset, vocab, published=preset == "GPT-2", fast=False).to(device, torch.float64)
            twin.load_state_dict(ours.state_dict())
        with torch.no_grad():
            errors = errors_of(problem, outputs, twin(tokens[:1, :-1]), torch.bfloat16 if device == "cuda" else torch.float32)
        steps = {"pyzoo": training(ours, gpt.loss_of(ours), tokens), "PyTorch's modules": training(modules, loss, tokens)}
        spent = times(steps, device)
        for name in steps:
            yield Row(problem, name, {"step": spent[name]}, errors[name], tokens=batch * ours.config.context)
