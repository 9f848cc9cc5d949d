"""The bench of the GPU runs where little is installed, and says what it cannot measure."""

import os
import subprocess
import sys

import pytest
import torch

from pipeline.bench import gpu
from pipeline.bench.gpu_checks import CHECKED

pytest.importorskip("triton")

ABSENT = ("lightning", "submitit", "wandb", "polars", "numba", "llvmlite", "sklearn", "altair", "rich", "yaml", "jax")
PROGRAM = f"""
import sys
sys.modules.update(dict.fromkeys({ABSENT!r}))
from pipeline.bench.gpu import main
raise SystemExit(main(sys.argv[1:]))
"""
TINY = ["--shapes", "5x1x3x1 4x129x3x1", "--packs", "2", "--activations", "relu", "--repetitions", "1"]


@pytest.fixture(scope="module")
def lines():
    """What the bench prints without the packages that such a machine lacks; an import of one would end it."""
    command = [sys.executable, "-c", PROGRAM, *TINY, "--repetition-seconds", "1e-9"]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=400, check=True)
    return done.stdout.splitlines()


def test_numbers_are_checked_before_speed_is_measured(lines):
    checked = [line for line in lines if line.startswith("check: ")]
    assert len(checked) == len(CHECKED) + 3 + 2 * torch.cuda.is_available()
    assert all(" within " in line for line in checked)


def test_every_pack_has_a_row_with_its_ratios_or_the_reason_why_not(lines):
    measured, refused = (next(line for line in lines if f"{shape} " in line) for shape in ("5x1x3x1", "4x129x3x1"))
    assert " x " in measured
    assert "RuntimeError: JAX is not installed" in measured
    assert torch.cuda.is_available() or "RuntimeError: needs a CUDA device" in measured
    assert refused.endswith("the fused engine takes 128 inputs at most on a GPU, not 129")


def test_both_families_of_kernels_are_measured_where_both_cover_a_shape(lines):
    compared = [line.split()[2:4] for line in lines if "ByMatrices" in line or "InRegisters" in line]
    assert compared == [["ByMatrices", "float32"], ["ByMatrices", "tf32"], ["InRegisters", "float32"]]
    assert not any("Error" in line for line in lines if "ByMatrices" in line)


def test_the_layout_that_is_chosen_is_among_those_tried(lines):
    tried = [line for line in lines if "ThreadLayout(" in line]
    assert len(tried) > 1
    assert sum(line.endswith("(as chosen)") for line in tried) == 1


def test_a_check_that_fails_sets_the_exit_code(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "checks", lambda device: iter([("all", float("nan"), 1e-12)]))
    assert gpu.main(["--shapes", "", "--packs", "1"]) == 1
    assert "check: all: nan NOT WITHIN 1e-12" in capsys.readouterr().out


def test_nothing_is_begun_when_time_is_up(capsys, monkeypatch):
    monkeypatch.setattr(gpu, "checks", lambda device: iter([]))
    assert gpu.main(["--seconds", "-1", "--shapes", "5x1x3x1", "--packs", "1 2"]) == 0
    assert capsys.readouterr().out.count("not measured: time was up") == 4
