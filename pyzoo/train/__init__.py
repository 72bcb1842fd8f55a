"""Training: the settings every task has, run folders, checkpoints, the loop, and loss plots."""
