"""TODO face of pacing."""
