"""Train thousands of tiny models in stacks, and hold every curve against its theory."""

__version__ = "0.3.0"
