"""Experiments: a question, the trials that answer it, the packs they are trained in, and what those require."""
