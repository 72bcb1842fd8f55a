module
public import Eval.Serve
public import Spec.Check.ViT

/-! The evaluator for vision transformers alone, which starts sooner than the one for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [⟨Spec.Check.ViT.points, Spec.Check.ViT.facts⟩]
