"""Runs on a page: one HTML file that needs nothing else, of one run or of several side by side."""

from ganarium.pages.one import report
from ganarium.pages.several import compare

__all__ = ["compare", "report"]
