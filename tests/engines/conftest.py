"""A compiler for GPUs that are not there."""

import os
import platform
import subprocess
import sys

import pytest


@pytest.fixture
def run_compiler(tmp_path):
    """A function that runs a script in which Triton compiles for a GPU, without the interpreter of the other tests."""
    if platform.machine() != "x86_64":
        pytest.skip("Triton's assembler is there for x86-64")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)

    def run(script):
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=400, check=False
        )

    return run
