"""The speed of packs beside their peers, as ratios measured in one run."""
