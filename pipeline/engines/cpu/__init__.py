"""The fused engine for processors: what runs in Python, and calls compiled kernels."""
