module
public import Eval.Serve
public import Spec.Check.LSTM

/-! The evaluator for the LSTM alone, which starts sooner than the one for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [⟨Spec.Check.LSTM.points, Spec.Check.LSTM.facts⟩]
