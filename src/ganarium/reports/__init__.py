"""Runs on a page: one HTML file that needs nothing else, of one run or of several side by side."""

from ganarium.reports.comparison import compare
from ganarium.reports.run import report

__all__ = ["compare", "report"]
