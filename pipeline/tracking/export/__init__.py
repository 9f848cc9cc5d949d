"""Sending runs to W&B, each once and whole, as W&B itself confirms."""
