"""The step of a stream as one CUDA graph."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree


class GraphedStep:
    """`model.step` with its memory inside, for a model whose memory keeps its shapes: a GPU runs all of its kernels from one
    launch. tokens (B) -> logits (B, V), which the next call overwrites. Without gradients."""

    def __init__(self, model: nn.Module, memory: Any) -> None:
        leaves, tree = pytree.tree_flatten(memory)
        self.tokens = torch.zeros(leaves[0].shape[0], dtype=torch.long, device=leaves[0].device)
        self.state = [leaf.clone() for leaf in leaves]
        self.graph = torch.cuda.CUDAGraph()

        def step() -> Tensor:
            logits, after = model.step(self.tokens, pytree.tree_unflatten(self.state, tree))
            torch._foreach_copy_(self.state, pytree.tree_leaves(after))
            return logits

        with torch.no_grad():
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                step()  # compiles kernels and makes workspaces, which a graph can't
            torch.cuda.current_stream().wait_stream(aside)
            with torch.cuda.graph(self.graph):
                self.logits = step()
        torch._foreach_copy_(self.state, leaves)

    def __call__(self, tokens: Tensor) -> Tensor:
        self.tokens.copy_(tokens)
        self.graph.replay()
        return self.logits
