"""Recipes: everything that a run needs, typed."""
