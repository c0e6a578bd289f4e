"""Samples: sources, the stream of batches, the built-in world."""
