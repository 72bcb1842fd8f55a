module
public import Eval.Serve
public import Spec.Check.Mamba2

/-! The evaluator for Mamba-2 alone, which starts sooner than the one for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [⟨Spec.Check.Mamba2.points, Spec.Check.Mamba2.facts⟩]
