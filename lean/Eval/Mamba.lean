module
public import Eval.Serve
public import Spec.Check.Mamba

/-! The evaluator for Mamba alone, which starts sooner than the one for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [⟨Spec.Check.Mamba.points, Spec.Check.Mamba.facts⟩]
