"""Recurrent language models: an Elman network, an LSTM and a GRU on symbols.

Shapes: B sequences, L steps, E width of the embedding, H hidden width, V vocabulary.
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


class RecurrentModel(nn.Module):
    """Embedding, recurrent layers, and a linear head; tokens (B, L), and the memory of a stream that goes on -> logits
    (B, L, V). In training the layers are PyTorch's fused ones, which cuDNN runs on a GPU; in evaluation mode, and where
    there is none, the cells of `pyzoo.ops.recurrent`, on the same weights."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.config = config
        self.name = "original" if config.original else config.kind
        self.embedding = nn.Parameter(torch.randn(config.vocab, config.embed))
        self.core = FUSED[config.kind](config.embed, config.hidden, config.layers, batch_first=True)
        self.head = nn.Linear(config.hidden, config.vocab)

    def weights(self, layer: int) -> dict[str, Tensor]:
        """The weights of a layer, by the keywords of the spec points."""
        return {name: getattr(self.core, f"{name}_l{layer}") for name in WEIGHTS}

    def forward(self, tokens: Tensor, memory: list[dict[str, Tensor]] | None = None) -> Tensor:
        if self.training and memory is None and not self.config.original:
            return self.head(self.core(self.embedding[tokens])[0])
        x = self._embed(tokens)
        for layer, state in enumerate(memory or self.start(len(tokens))):
            x = LAYERS[self.name](x=x, **{f"{name}0": s for name, s in state.items()}, **self.weights(layer))
        return self._logits(x)

    def start(self, batch: int) -> list[dict[str, Tensor]]:
        """The memory of a stream before its first token: for each layer the state h (B, H), and c (B, H) of an LSTM."""
        names = ("h", "c") if self.config.kind == "lstm" else ("h",)
        zeros = self.embedding.new_zeros(batch, self.config.hidden)
        return [dict.fromkeys(names, zeros) for _ in range(self.config.layers)]

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
