"""Benchmarks of speed, memory and quality; each compares within one run on one machine."""
