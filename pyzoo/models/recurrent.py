"""Recurrent models: an Elman network, an LSTM and a GRU on symbols, and an LSTM that forecasts measurements.

Shapes: B sequences, L steps, E width of the embedding, H hidden width, V vocabulary, F measurements, P steps forecast.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pyzoo.errors import InputError
from pyzoo.ops import recurrent as ops

FUSED = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}  # they hold the weights, and run in training
CELLS = {"rnn": ops.rnn_cell, "lstm": ops.lstm_cell, "gru": ops.gru_cell, "original": ops.gru_original_cell}
LAYERS = {"rnn": ops.rnn_layer, "lstm": ops.lstm_layer, "gru": ops.gru_layer, "original": ops.gru_original_layer}
WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@dataclass(frozen=True)
class RecurrentConfig:
    """Sizes of a recurrent language model."""

    kind: str
    """rnn, lstm or gru"""
    vocab: int
    """number of symbols"""
    embed: int = 64
    """width E of the embedding"""
    hidden: int = 128
    """hidden width H"""
    layers: int = 1
    """recurrent layers on top of each other"""
    original: bool = False
    """gru: the reset gate before the product with the hidden state, as in the paper, and not after it, as in PyTorch"""

    def __post_init__(self) -> None:
        if self.original and self.kind != "gru":
            raise InputError(f"there is one kind of {self.kind}; 'original' is a setting of gru")


class Recurrent(nn.Module):
    """Recurrent layers on top of each other, whose weights PyTorch's fused layers hold. In training these run (cuDNN's on
    a GPU); in evaluation mode, and where there is none, the cells of `pyzoo.ops.recurrent` do, on the same weights."""

    def __init__(self, kind: str, embed: int, hidden: int, layers: int, original: bool = False) -> None:
        super().__init__()
        self.kind, self.hidden, self.layers = kind, hidden, layers
        self.name = "original" if original else kind
        self.core = FUSED[kind](embed, hidden, layers, batch_first=True)

    def weights(self, layer: int) -> dict[str, Tensor]:
        """The weights of a layer, by the keywords of the spec points."""
        return {name: getattr(self.core, f"{name}_l{layer}") for name in WEIGHTS}

    def start(self, batch: int) -> list[dict[str, Tensor]]:
        """The memory of a stream before its first input: for each layer the state h (B, H), and c (B, H) of an LSTM."""
        names = ("h", "c") if self.kind == "lstm" else ("h",)
        zeros = self.core.weight_hh_l0.new_zeros(batch, self.hidden)
        return [dict.fromkeys(names, zeros) for _ in range(self.layers)]

    def states(self, x: Tensor, memory: list[dict[str, Tensor]] | None = None) -> Tensor:
        """The last layer's hidden states (B, L, H) on x (B, L, E), after the memory of a stream."""
        if self.training and memory is None and self.name in FUSED:
            return self.core(x)[0]
        for layer, state in enumerate(memory or self.start(len(x))):
            x = LAYERS[self.name](x=x, **{f"{name}0": s for name, s in state.items()}, **self.weights(layer))
        return x


class RecurrentModel(Recurrent):
    """Embedding, recurrent layers, and a linear head; tokens (B, L), and the memory of a stream that goes on -> logits
    (B, L, V)."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__(config.kind, config.embed, config.hidden, config.layers, config.original)
        self.config = config
        self.embedding = nn.Parameter(torch.randn(config.vocab, config.embed))
        self.head = nn.Linear(config.hidden, config.vocab)

    def forward(self, tokens: Tensor, memory: list[dict[str, Tensor]] | None = None) -> Tensor:
        if self.training and memory is None and not self.config.original:
            return self.head(self.core(F.embedding(tokens, self.embedding))[0])
        return self._logits(self.states(self._embed(tokens), memory))

    def step(self, tokens: Tensor, memory: list[dict[str, Tensor]]) -> tuple[Tensor, list[dict[str, Tensor]]]:
        """One token of each stream: tokens (B) and the memory -> logits (B, V) and the new memory."""
        x, after = self._embed(tokens), []
        for layer, state in enumerate(memory):
            out = CELLS[self.name](x=x, **state, **self.weights(layer))
            after.append(dict(zip(state, out if isinstance(out, tuple) else (out,), strict=True)))
            x = after[-1]["h"]
        return self._logits(x), after

    def _embed(self, tokens: Tensor) -> Tensor:
        one_hot = F.one_hot(tokens, self.config.vocab).to(self.embedding.dtype)
        return ops.EMBEDDING[self.config.kind](x=one_hot, weight=self.embedding.T)

    def _logits(self, x: Tensor) -> Tensor:
        return ops.HEAD[self.config.kind](x=x, weight=self.head.weight, bias=self.head.bias)


@dataclass(frozen=True)
class ForecasterConfig:
    """Sizes of a forecaster."""

    features: int
    """measurements F of a step"""
    horizon: int
    """steps P to forecast"""
    hidden: int = 32
    """hidden width H"""


class Forecaster(Recurrent):
    """An LSTM and a linear head; measurements (B, L, F) -> the first one's next P values (B, P), which the head gives as
    differences from its last value. It starts as the persistence forecast: all differences are 0."""

    def __init__(self, config: ForecasterConfig) -> None:
        super().__init__("lstm", config.features, config.hidden, layers=1)
        self.config = config
        self.head = nn.Linear(config.hidden, config.horizon)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        changes = ops.HEAD["lstm"](x=self.states(x)[:, -1:], weight=self.head.weight, bias=self.head.bias)
        return x[:, -1, :1] + changes[:, 0]
