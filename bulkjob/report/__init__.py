"""What a run leaves behind for people and scripts: wording, results.csv, retry.csv, summary.json, terminal, progress."""
