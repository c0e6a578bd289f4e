"""Pictures into other pictures, taught by pairs."""
