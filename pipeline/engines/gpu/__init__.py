"""The fused engine for GPUs: what runs on the host, and launches Triton kernels."""
