"""An error in the code of an extension is told with the line of it that raised, or that called what did."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.extensions.loading import load_file
from pipeline.extensions.places import in_words, place_in, place_of, raised_in_extension, shown, used_in
from pipeline.problems.measures import Uniform
from pipeline.problems.problem import FunctionProblem
from pipeline.problems.targets import Sine
from pipeline.training.failures import failure_reason
from pipeline.training.run import exit_on_sigterm

RAISES = """
@final
@dataclass(frozen=True)
class Broken(Target):
    \"\"\"A target that raises.\"\"\"

    def __call__(self, inputs_PD):
        return np.zeros(3).reshape(2, 2)
"""


def caught(call: Callable[[], object]) -> BaseException:
    try:
        call()
    except (Exception, SystemExit) as error:
        return error
    raise AssertionError("nothing was raised")


def test_an_error_in_what_an_extension_calls_is_at_the_line_that_calls(write: Callable[..., Path]) -> None:
    path = write(RAISES, "broken.py")
    (kind,) = load_file(path).definitions
    error = caught(lambda: kind()(np.zeros((2, 1))))  # type: ignore[operator]
    assert place_in(error) == f"{path}:15"
    complaint = raised_in_extension(error)
    assert complaint is not None
    assert str(complaint).startswith(f"{path}:15: ValueError: cannot reshape array of size 3 into shape (2,2)\n")


def test_an_error_of_ours_is_none_of_an_extension() -> None:
    error = caught(lambda: int("x"))
    assert place_in(error) == ""
    assert raised_in_extension(error) is None


GIVES_NOTHING = """
@final
@dataclass(frozen=True)
class Nothing(Target):
    def __call__(self, inputs_PD):
        return None
"""


def test_an_error_of_ours_on_what_a_class_gave_names_the_class(write: Callable[..., Path]) -> None:
    """No line of the file is in the traceback: its method has returned."""
    path = write(GIVES_NOTHING, "nothing.py")
    (kind,) = load_file(path).definitions
    error = caught(lambda: FunctionProblem(kind(), Uniform(), 1, 2, 2, 0.0, 0).load())
    assert place_in(error) == ""
    told = str(raised_in_extension(error))
    assert re.fullmatch(
        rf"{re.escape(str(path))}:9: class Nothing was in use when pipeline/problems/problem\.py:\d+ failed: "
        r"TypeError: 'NoneType' object is not subscriptable\n  hint: this class is your own: look at .*",
        told,
    )
    reason = failure_reason(error)
    assert reason == f"{path}:9: class Nothing: TypeError: 'NoneType' object is not subscriptable"


def test_an_error_of_ours_beside_a_class_that_is_built_in_stays_ours() -> None:
    error = caught(lambda: FunctionProblem(Sine(), Uniform(), 1, -1, 2, 0.0, 0).load())
    assert used_in(error) is None
    assert raised_in_extension(error) is None


ENDS = """
import os, signal, sys

@final
@dataclass(frozen=True)
class Ends(Target):
    by_signal: bool = False

    def __call__(self, inputs_PD):
        if self.by_signal:
            os.kill(os.getpid(), signal.SIGTERM)
        sys.exit(4)
"""


def test_sys_exit_is_told_like_an_error_and_sigterm_is_not(write: Callable[..., Path]) -> None:
    path = write(ENDS, "ends.py")
    (kind,) = load_file(path).definitions
    own, told = (caught(lambda by=by: ends(kind, by)) for by in (False, True))  # type: ignore[misc]
    assert str(raised_in_extension(own)).startswith(f"{path}:19: SystemExit: 4\n")
    assert isinstance(told, SystemExit)
    assert raised_in_extension(told) is None


def test_sys_exit_is_told_where_another_function_stands_in_its_place(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def exit_noting_the_code(code: int) -> None:  # as W&B puts one there
        raise SystemExit(code)

    path = write(ENDS.replace("4", "5"), "ends_with_5.py")
    (kind,) = load_file(path).definitions
    monkeypatch.setattr("sys.exit", exit_noting_the_code)
    complaint = raised_in_extension(caught(lambda: ends(kind, by_signal=False)))
    assert str(complaint).startswith(f"{path}:19: SystemExit: 5\n")


def ends(kind: type, by_signal: bool) -> None:
    with exit_on_sigterm():
        kind(by_signal)(np.zeros((2, 1)))


def test_a_class_is_where_it_begins(write: Callable[..., Path]) -> None:
    path = write(RAISES, "begins.py")
    (kind,) = load_file(path).definitions
    assert place_of(kind) == f"{path}:9"
    assert place_of(Sine).startswith(shown(Path(str(__import__("pipeline").__file__)).parent))


def test_a_path_below_the_working_directory_is_shown_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "a" / "b.py") == "a/b.py"
    assert shown(Path("/elsewhere/b.py")) == "/elsewhere/b.py"


def test_words_of_an_error_are_one_line() -> None:
    assert in_words(ValueError("first\nsecond")) == "ValueError: first"
    assert in_words(KeyError()) == "KeyError"
