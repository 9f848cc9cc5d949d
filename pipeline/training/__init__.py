"""Training of packs with Lightning, in one process or several: records, outcomes, checkpoints, progress."""
