"""Logs, statistics and diagnoses of training runs."""
