"""HTML reports: one self-contained page of one run, or of several runs side by side."""

from ganarium.reports.comparison import compare
from ganarium.reports.run import report

__all__ = ["compare", "report"]
