"""Methods that translate images from one domain to another, trained without pairs."""
