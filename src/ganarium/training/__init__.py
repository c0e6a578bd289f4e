"""Training: run folders, the trainer, the loop, checkpoints."""
