module
public import Eval.Serve
public import Spec.Check.GPT

/-! The evaluator for GPTs alone, which starts sooner than the one for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [⟨Spec.Check.GPT.points, Spec.Check.GPT.facts⟩]
