"""Runtime against specification: recorded calls go to Lean, verdicts come back."""

FAMILIES = ("mamba", "resnet", "vit")
