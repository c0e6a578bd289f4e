"""Conditions: what each sample comes with."""
