"""TODO face of export."""
