"""Pure functions and small modules of tensors."""
