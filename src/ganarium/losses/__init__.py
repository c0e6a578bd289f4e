"""Losses, penalties and small modules: pure functions of tensors."""
