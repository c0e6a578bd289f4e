"""Methods that translate images, trained with pairs."""
