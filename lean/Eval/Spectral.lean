module
public import Eval.Serve
public import Spec.Check.Spectral

/-! The evaluator for spectral convolutions alone, which starts sooner than the one for every family. -/

public section

/-- Run the evaluator. -/
def main : IO Unit := Spec.Eval.serve [⟨Spec.Check.Spectral.points, Spec.Check.Spectral.facts⟩]
