"""TODO face of plan."""
