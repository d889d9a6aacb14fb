"""TODO face of rundir."""
