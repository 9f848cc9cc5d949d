"""Kernels for processors: arithmetic on SIMD registers that is compiled for one shape when it is first needed."""
