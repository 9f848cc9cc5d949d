"""From arithmetic written in Python to machine code: SIMD values, compiler, buffers, signatures."""
