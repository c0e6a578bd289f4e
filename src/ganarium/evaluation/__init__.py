"""Evaluation of models and samples."""
