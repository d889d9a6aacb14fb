"""One module for each measurement; its ``measure`` returns tables, and the figures that have an aim."""
