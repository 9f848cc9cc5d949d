"""Kernels fit themselves to the registers of the processor, and are right on one with smaller and fewer of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.engines.cpu.codegen.processor import has, processor
from pipeline.engines.cpu.codegen.simd import Program

FOLDER = Path(__file__).parents[1]

WITHOUT_AVX512 = """
import sys
import llvmlite.binding as llvm

there = llvm.get_host_cpu_features()
there.update((name, False) for name in there if name.startswith(("avx512", "avx10", "evex512", "amx")))
llvm.get_host_cpu_features, llvm.get_host_cpu_name = lambda: there, lambda: "x86-64-v3"

from pipeline.engines.cpu.kernels import network
from pipeline.engines.cpu.codegen.simd import Program

assert Program("float32").lanes == 8 and network.UNITS_TOGETHER == 2, "it was not believed"

import pytest

sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""


def test_a_processor_is_what_llvm_says_it_is():
    name, features = processor()
    assert name
    assert all(feature[0] in "+-" for feature in features.split(","))
    assert not has("nonsense")
    assert Program("float32").lanes == 2 * Program("float64").lanes


@pytest.mark.skipif(not has("avx2"), reason="this processor has no AVX2")
def test_without_avx512_simd_and_engine_are_as_right_as_with_it():
    """The same tests in a process that sees AVX2 alone, as many clusters have it."""
    files = [FOLDER / "codegen" / "test_simd.py", FOLDER / "test_engine.py", FOLDER / "test_features.py"]
    command = [sys.executable, "-c", WITHOUT_AVX512, *files, "-k", "few_and_many or test_simd or test_features"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=FOLDER.parents[2], check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
