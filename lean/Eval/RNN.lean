module
public import Eval.Serve
public import Spec.Check.RNN

/-! The evaluator for Elman's network alone, which starts sooner than the one for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [⟨Spec.Check.RNN.points, Spec.Check.RNN.facts⟩]
