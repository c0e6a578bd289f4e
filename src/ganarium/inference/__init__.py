"""Inference on files: samples, translated folders, classified images."""
