"""Helpers that every package uses: file writing, typed tables, text, image grids."""
