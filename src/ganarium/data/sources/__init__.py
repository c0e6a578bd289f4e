"""Sources of samples: one file per layout."""
