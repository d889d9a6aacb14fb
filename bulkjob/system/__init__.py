"""TODO face of system."""
