"""Measurements: what bulkjob costs, as ratios to what people would use instead. `make bench` runs them and writes `README.md` anew."""
