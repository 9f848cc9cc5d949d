"""The tables of a run: results, summaries, and measurements beside theory."""
