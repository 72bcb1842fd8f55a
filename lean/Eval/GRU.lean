module
public import Eval.Serve
public import Spec.Check.GRU

/-! The evaluator for the GRU alone, which starts sooner than the one for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [⟨Spec.Check.GRU.points, Spec.Check.GRU.facts⟩]
