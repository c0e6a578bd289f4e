"""Pictures of one domain into pictures of another, taught without pairs."""
