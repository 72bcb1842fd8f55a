module
public import Eval.Serve
public import Spec.Check.ResNet

/-! The evaluator for residual networks alone, which starts sooner than the one for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [⟨Spec.Check.ResNet.points, Spec.Check.ResNet.facts⟩]
