"""Modalities: kinds of samples."""
