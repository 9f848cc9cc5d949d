"""Reuse: trials that other runs have finished are found, and taken from there instead of being trained again."""
