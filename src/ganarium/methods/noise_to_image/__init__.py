"""Methods that generate samples from noise."""
