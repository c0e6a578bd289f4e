"""From a wish to samples that fulfil it."""
