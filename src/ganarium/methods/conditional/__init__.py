"""Methods that generate samples from noise and a condition."""
