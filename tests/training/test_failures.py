"""A failed pack says why in a line, and keeps the whole story of every attempt."""

import errno
import importlib.util
import re

import pytest
import torch

from pipeline.extensions.places import add_sources
from pipeline.plans import make_plan
from pipeline.records.outcome_provenance import OutcomeProvenance
from pipeline.records.store import read_outcomes
from pipeline.training.failures import failure_log, failure_reason, forget_failures, write_failure


@pytest.fixture
def failing(experiment):
    """A pack to fail."""
    return make_plan("test", experiment()).packs[0]


def too_large():
    torch.empty(1 << 60)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("no room"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        torch.cuda.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_reason_of_too_little_memory_begins_with_that(error):
    assert re.fullmatch(rf"out of memory: {type(error).__name__}: .+", failure_reason(error))


def test_what_pytorch_really_raises_is_too_little_memory():
    with pytest.raises(RuntimeError, match="can't allocate memory") as raised:
        too_large()
    assert failure_reason(raised.value).startswith("out of memory: RuntimeError: ")


@pytest.mark.parametrize("error", [RuntimeError("shape [2, 3]"), OSError(errno.ENOSPC, "full"), ValueError("memory")])
def test_other_failures_are_none_of_memory(error):
    assert failure_reason(error).startswith(f"{type(error).__name__}: ")


def test_a_failure_in_code_of_a_users_own_has_its_file_and_line_in_front(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def divide(number):\n    return number / 0\n")
    spec = importlib.util.spec_from_file_location("mine", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with pytest.raises(ZeroDivisionError, match="division by zero") as raised:
        module.divide(1)
    assert failure_reason(raised.value) == "ZeroDivisionError: division by zero"
    add_sources([path])
    assert failure_reason(raised.value) == f"{path}:2: ZeroDivisionError: division by zero"


def test_error_without_words_has_a_reason():
    assert failure_reason(AssertionError()) == "AssertionError: "


def test_log_keeps_every_attempt_and_the_outcomes_the_last(failing, tmp_path):
    for attempt in (1, 2):
        try:
            raise ValueError(f"number {attempt}\nsecond line")
        except ValueError as error:
            write_failure(tmp_path, failing, error, OutcomeProvenance("1234_7", attempt, "0123"))
    log = failure_log(tmp_path, failing).read_text()
    headings = re.findall(r"^--- (\S+), \S+, job (\S+), attempt (\d)$", log, re.MULTILINE)
    assert [(job, attempt) for _, job, attempt in headings] == [("1234_7", "1"), ("1234_7", "2")]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", when) for when, *_ in headings)
    assert log.count("Traceback (most recent call last):") == len(re.findall("^second line$", log, re.MULTILINE)) == 2
    outcomes = read_outcomes(tmp_path)
    assert len(outcomes) == len(failing.trials)
    assert outcomes.select("status", "reason", "job", "attempt", "code").unique().rows() == [
        ("failed", "ValueError: number 2", "1234_7", 2, "0123")
    ]


def test_failure_outside_of_a_job_names_none(failing, tmp_path):
    write_failure(tmp_path, failing, ValueError("once"), OutcomeProvenance())
    first = failure_log(tmp_path, failing).read_text().splitlines()[0]
    assert re.fullmatch(r"--- \S+, [^ ,]+", first)


def test_failures_are_forgotten(failing, tmp_path):
    forget_failures(tmp_path, failing)
    write_failure(tmp_path, failing, ValueError("once"), OutcomeProvenance())
    forget_failures(tmp_path, failing)
    assert not failure_log(tmp_path, failing).exists()
