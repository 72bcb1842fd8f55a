module
public import Eval.Serve
public import Spec.Check.GPT
public import Spec.Check.GRU
public import Spec.Check.LSTM
public import Spec.Check.Mamba
public import Spec.Check.Mamba2
public import Spec.Check.RNN
public import Spec.Check.ResNet
public import Spec.Check.Spectral
public import Spec.Check.ViT

/-! The evaluator for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [
  ⟨Spec.Check.GPT.points, Spec.Check.GPT.facts⟩,
  ⟨Spec.Check.GRU.points, Spec.Check.GRU.facts⟩,
  ⟨Spec.Check.LSTM.points, Spec.Check.LSTM.facts⟩,
  ⟨Spec.Check.Mamba.points, Spec.Check.Mamba.facts⟩,
  ⟨Spec.Check.Mamba2.points, Spec.Check.Mamba2.facts⟩,
  ⟨Spec.Check.RNN.points, Spec.Check.RNN.facts⟩,
  ⟨Spec.Check.ResNet.points, Spec.Check.ResNet.facts⟩,
  ⟨Spec.Check.Spectral.points, Spec.Check.Spectral.facts⟩,
  ⟨Spec.Check.ViT.points, Spec.Check.ViT.facts⟩]
