"""TODO face of execute."""
