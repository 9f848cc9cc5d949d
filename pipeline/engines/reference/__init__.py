"""The reference engine: stacked PyTorch, for every model and optimizer."""
