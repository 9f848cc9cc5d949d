"""What this processor is and can do, and with it how wide its SIMD registers are and how many there are."""

from __future__ import annotations

import functools
import platform

import llvmlite.binding as llvm


@functools.cache
def processor() -> tuple[str, str]:
    """What code is compiled for: the name of the processor, and what it can do."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def has(feature: str) -> bool:
    """Whether the processor has a feature, by its name in LLVM, such as ``avx512f``."""
    return f"+{feature}" in processor()[1].split(",")


def is_x86() -> bool:
    """Whether it is x86-64, and not, as in most other machines of today, ARM."""
    return platform.machine().lower() in ("x86_64", "amd64")


REGISTER_BITS = 512 if has("avx512f") else 256 if has("avx2") else 128
"""Lanes are counted in registers of this size."""
FEW_REGISTERS = is_x86() and not has("avx512f")
"""Whether there are 16 of them, and not 32. Sums that do not fit are moved to memory and back all the time: in AVX2, at
1437 points, 64 inputs, 256 hidden units and 10 outputs, as many sums as in AVX-512 left 28 GFLOP/s of 60.
"""
