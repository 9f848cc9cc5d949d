"""The Python interface: what ``import pipeline`` offers. The command line stands on it."""
