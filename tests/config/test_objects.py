"""What an object refuses, and what it has no place for, is refused with file, line and the nearest right name."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from pipeline.config import read_experiment, read_file
from pipeline.config.fields import fields_of
from pipeline.config.registry import TABLES
from pipeline.errors import FieldError, PipelineError
from pipeline.experiment.axes import LogSpaced
from pipeline.experiment.experiment import Experiment


def test_a_misspelt_definition_gets_the_nearest_name(write, least, refused):
    path = write(least + "optimizer: momentun\n")
    hint = f"did you mean 'momentum'? known: {', '.join(sorted(TABLES['optimizers']))}"
    with refused(path, 5, "unknown optimizer 'momentun'", hint):
        read_experiment(path)


@pytest.mark.parametrize(
    ("text", "line", "what", "hint"),
    [
        (
            "optimizer: {momentum: 0.9}",
            1,
            "optimizer.momentum must be a mapping of its fields, not '0.9'",
            "write {momentum: {field: value}}; fields: momentum",
        ),
        (
            "target: {runge: 1}",
            1,
            "target.runge must be a mapping of its fields, not '1'",
            "runge has no fields",
        ),
        (
            "models:\n- linear:\n  basis: cosine",
            3,
            "'basis' stands beside linear, but this is one model",
            "indent the fields of linear: {linear: {basis: ...}}",
        ),
        (
            "models:\n  linear:\n  shallow:",
            3,
            "'shallow' stands beside linear, but this is one model",
            "give each model an item of its own, '- linear'",
        ),
    ],
)
def test_a_definition_written_wrongly_is_refused(write, text, line, what, hint, refused):
    path = write(text)
    with refused(path, line, what, hint):
        read_experiment(path)


@pytest.mark.parametrize(("written", "there"), [("[]", "a list"), ("{}", "an empty mapping")])
def test_a_definition_that_is_no_name_is_refused(write, written, there, refused):
    path = write(f"models: {{linear: {{basis: {written}}}}}")
    hint = f"known: {', '.join(sorted(TABLES['bases']))}"
    with refused(path, 1, f"models.linear.basis must be the name of a basis, not {there}", hint):
        read_experiment(path)


def test_an_unknown_key_is_refused_with_the_nearest(write, least, refused):
    known = ", ".join(sorted(fields_of(Experiment)))
    path = write(least + "sede: 3\n")
    with refused(path, 5, "unknown key 'sede'", f"did you mean 'seeds'? known: {known}"):
        read_experiment(path)


def test_an_unknown_key_inside_is_refused_with_the_nearest(write, least, refused):
    path = write(least + "inputs:\n  seed: 1\n  noize: 0.1\n")
    hint = "did you mean 'noise'? known: dimension, measure, noise, seed, split, test, train"
    with refused(path, 7, "unknown key 'noize' in inputs", hint):
        read_experiment(path)


def test_an_unknown_field_of_a_definition_is_refused_with_the_nearest(write, least, refused):
    path = write(least + "optimizer:\n  momentum: {momentun: 0.5}\n")
    with refused(path, 6, "unknown field 'momentun' of momentum", "did you mean 'momentum'? known: momentum"):
        read_experiment(path)


def test_missing_keys_are_named(write, least, refused):
    path = write("# comment\nquestion: Why?\ntarget: step\n")
    with refused(path, 2, "missing keys models, widths", "models is the name of a model or a list of such"):
        read_experiment(path)
    path = write(least + "learning_rates:\n  log_from: 1\n  log_to: 2\n")
    with refused(path, 5, "missing key num in learning_rates", "num is an integer"):
        read_experiment(path)


def test_missing_fields_of_a_definition_are_named(write, refused):
    path = write("data:\n  table:\n    path: x.csv\n    inputs: [x]\n")
    with refused(path, 2, "missing key output in data.table", "output is text or a list of such"):
        read_experiment(path)


def test_an_empty_heading_is_an_empty_mapping(write, least):
    assert read_experiment(write(least + "inputs:\n")) == read_experiment(write(least))


ZERO_WIDTH = ("widths must be positive, not 0", "take an integer from 1")
NEGATIVE_NOISE = ("noise is a standard deviation, not -1.0", "take 0 for none, or a number above 0")


@pytest.mark.parametrize(
    ("text", "line", "refusal"),
    [
        ("widths: 0\n", 4, ZERO_WIDTH),
        ("widths: [4, 0]\n", 4, ZERO_WIDTH),
        ("widths:\n  - 4\n  - 0\n", 6, ZERO_WIDTH),
        ("widths: 4\ninputs:\n  seed: 1\n  noise: -1\n", 7, NEGATIVE_NOISE),
        ("widths: 4\ninputs:\n  noise: [0,\n  -1]\n", 7, NEGATIVE_NOISE),
        (
            "widths: 4\nlearning_rates:\n  times_limit: -1\n",
            6,
            ("times_limit must be positive, not -1.0", "take a number above 0"),
        ),
    ],
)
def test_an_impossible_value_is_refused_at_its_line(write, text, line, refusal, least, refused):
    path = write(least.replace("widths: 4\n", text))
    with refused(path, line, *refusal):
        read_experiment(path)


def test_an_impossible_field_of_a_definition_is_refused_at_its_line(write, least, refused):
    path = write(least + "optimizer:\n  momentum:\n    momentum: 2\n")
    with refused(path, 7, "momentum 2.0 is not in [0, 1)", "take a number from 0 to below 1, like 0.9"):
        read_experiment(path)


def test_a_field_that_is_not_written_is_refused_at_what_is_around_it(write):
    @dataclass(frozen=True)
    class Picky:
        inner: LogSpaced
        models: tuple[LogSpaced, ...] = ()
        path: tuple[str | int, ...] = ()

        def __post_init__(self) -> None:
            raise FieldError(self.path, "no")

    config_text = "\ninner:\n  log_from: 1\n  log_to: 2\n  num: 2\npath: "
    for written, line in {"[inner, nowhere]": 2, "nowhere": 2, "[inner, num]": 5, "[inner, 3]": 2, "[]": 2}.items():
        path = write(config_text + written)
        with pytest.raises(PipelineError, match=f"^{re.escape(f'{path}:{line}: no')}$"):
            read_file(path, Picky)


def test_a_complaint_that_knows_no_place_gets_that_of_the_object(write):
    @dataclass(frozen=True)
    class Unready:
        integer: int

        def __post_init__(self) -> None:
            raise PipelineError("not ready", where="the moon" if self.integer else "")

    path = write("integer: 0")
    with pytest.raises(PipelineError, match=f"^{re.escape(f'{path}:1: not ready')}$"):
        read_file(path, Unready)
    with pytest.raises(PipelineError, match=f"^{re.escape('the moon: not ready')}$"):
        read_file(write("integer: 1"), Unready)
