"""Tasks: what a trained game can do."""
