"""Training steps of the text models beside the same networks from PyTorch's modules, or mambapy's; and Mamba's loss beside chargpt's.

`python benchmarks/training.py` prints milliseconds a step, in turns in one process, after the outputs have been compared.
`python benchmarks/training.py --losses DIR` trains chargpt and Mamba with as many parameters (within 3 %) for as many steps, a
quarter of an hour on two cores, and prints the validation losses."""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyzoo.bench import device_name, errors_of, times
from pyzoo.bench.gpt import Modules, training
from pyzoo.models.mamba import Mamba, MambaConfig
from pyzoo.models.recurrent import FUSED, RecurrentConfig, RecurrentModel
from pyzoo.tasks import chargpt, gpt, mamba
from pyzoo.tasks.text import cross_entropy
from pyzoo.train.folder import RunFolder

VOCAB, BATCH, WINDOW = 65, 32, 64
Pair = tuple[nn.Module, nn.Module]  # ours, and the other with the same weights


class Recurrent(nn.Module):
    """Embedding, PyTorch's recurrent layer, and a linear head."""

    def __init__(self, kind: str, config: RecurrentConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(config.vocab, config.embed)
        self.core = FUSED[kind](config.embed, config.hidden, config.layers, batch_first=True)
        self.head = nn.Linear(config.hidden, config.vocab)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.core(self.embedding(tokens))[0])


def recurrent(kind: str) -> Pair:
    config = RecurrentConfig(kind, VOCAB)
    ours, other = RecurrentModel(config), Recurrent(kind, config)
    other.load_state_dict({"embedding.weight" if n == "embedding" else n: t for n, t in ours.state_dict().items()})
    return ours, other


def transformer() -> Pair:
    ours = gpt.build("laptop", VOCAB, published=False, fast=False)
    return ours, Modules(ours)


class Mambapy(nn.Module):
    """Embedding, mambapy's layers, norm, and a tied head, with the weights of one of ours."""

    def __init__(self, ours: Mamba) -> None:
        super().__init__()
        from mambapy.mamba import Mamba as Layers
        from mambapy.mamba import MambaConfig as Config

        c = ours.config
        self.embedding = nn.Embedding(c.vocab, c.width)
        self.layers = Layers(Config(d_model=c.width, n_layers=c.layers, d_state=c.state, expand_factor=c.expand, d_conv=c.taps,
                                    dt_rank=c.rank, rms_norm_eps=c.eps))  # fmt: skip
        self.weight = nn.Parameter(torch.ones(c.width))
        names = {"in_proj": "in_proj.weight", "conv_bias": "conv1d.bias", "x_proj": "x_proj.weight", "dt_weight": "dt_proj.weight",
                 "dt_bias": "dt_proj.bias", "a_log": "A_log", "d": "D", "out_proj": "out_proj.weight"}  # fmt: skip
        with torch.no_grad():
            self.embedding.weight.copy_(ours.embedding)
            for layer, norm, mixer in zip(self.layers.layers, ours.norms, ours.mixers, strict=True):
                own = dict(mixer.named_parameters())
                weights = {names[name]: t for name, t in own.items() if name in names}
                layer.mixer.load_state_dict(weights | {"conv1d.weight": own["conv_weight"][:, None]})
                layer.norm.weight.copy_(norm.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.layers(self.embedding(tokens))
        x = x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5) * self.weight
        return F.linear(x, self.embedding.weight)


def scan(fast: bool) -> Pair:
    ours = Mamba(MambaConfig(VOCAB, width=96, state=8, fast_kernels=fast))
    return ours, Mambapy(ours)


PAIRS: dict[str, Callable[[], Pair]] = {
    "chargpt": transformer,
    **{kind: lambda kind=kind: recurrent(kind) for kind in FUSED},
    "mamba": lambda: scan(False),
    "mamba --fast-kernels": lambda: scan(True),
}  # fmt: skip


def steps() -> None:
    """Print the table."""
    print(device_name("cpu"))
    for name, build in PAIRS.items():
        torch.manual_seed(0)
        pair = dict(zip(("ours", "other"), build(), strict=True))
        tokens = torch.randint(VOCAB, (BATCH, WINDOW + 1))
        outputs = {which: model(tokens[:, :-1]) for which, model in pair.items()}
        errors_of(name, outputs, outputs["other"].detach().double(), torch.float32)
        loss = {which: getattr(model, "loss", partial(cross_entropy, model)) for which, model in pair.items()}
        spent = times({which: training(model, loss[which], tokens) for which, model in pair.items()}, "cpu")
        print(f"{name:22} {spent['ours']:8.1f} ms, other {spent['other']:8.1f} ms, ratio {spent['ours'] / spent['other']:.2f}", flush=True)


def losses(folder: Path) -> None:
    """Train both and print."""
    tasks = {"chargpt": (chargpt, chargpt.Config()),
             "mamba": (mamba, mamba.Config(steps=1000, width=128, layers=7, state=16, fast_kernels=True))}  # fmt: skip
    for name, (task, config) in tasks.items():
        metrics = task.train(config, RunFolder(folder / name), "cpu")
        count = sum(p.numel() for p in task.load(folder / name)[0].parameters())
        print(f"{name}: {count} parameters, validation loss {metrics['validation_loss']:.4f} after {config.steps} steps", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--losses", type=Path, metavar="DIR", help="train chargpt and Mamba into this new folder instead")
    arguments = parser.parse_args()
    losses(arguments.losses) if arguments.losses else steps()


if __name__ == "__main__":
    main()
