"""Whole files, typed tables, text: what every package uses."""
