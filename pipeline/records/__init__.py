"""What training leaves behind: numbers, outcomes, fits."""
