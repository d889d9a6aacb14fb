"""TODO face of settings."""
