"""A mirror between mathematics in Lean 4 and running neural networks in PyTorch."""

__version__ = "0.1.0"
