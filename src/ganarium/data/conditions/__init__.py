"""Conditions: information that comes with each sample."""
