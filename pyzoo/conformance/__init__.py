"""Runtime against specification: recorded calls go to Lean, verdicts come back."""
