"""Inference on files: any task, samples, translated folders, classified images."""
