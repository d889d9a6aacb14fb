"""TODO face of records."""
