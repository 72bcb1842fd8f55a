module
public import Eval.Serve
public import Spec.Check.Mamba
public import Spec.Check.ResNet
public import Spec.Check.ViT

/-! The evaluator for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [
  ⟨Spec.Check.Mamba.points, Spec.Check.Mamba.facts⟩,
  ⟨Spec.Check.ResNet.points, Spec.Check.ResNet.facts⟩,
  ⟨Spec.Check.ViT.points, Spec.Check.ViT.facts⟩]
