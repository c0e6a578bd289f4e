"""Methods, one file each; other packages add methods by the entry point `ganarium.methods`."""

from ganarium.methods.table import BUILT_IN, add, find, table

__all__ = ["BUILT_IN", "add", "find", "table"]
