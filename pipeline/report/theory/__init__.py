"""What theory predicts for a run, and when a measurement agrees with it."""
