"""TODO face of commands."""
