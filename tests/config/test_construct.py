"""The type of the field reads what is written there."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

import pytest

from pipeline.config import read_file
from pipeline.config.nodes import DEEP_HINT, MAX_DEPTH
from pipeline.experiment.axes import LogSpaced, TimesLimits

SPACED = LogSpaced(1.0, 2.0, 3)


@dataclass(frozen=True)
class Ring:
    """What may hold another of its kind."""

    inner: Ring | None = None


@dataclass(frozen=True)
class Rings:
    """Rings in rings."""

    rings: tuple[Ring, ...]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("integer: 010", 10),
        ("integer: +7", 7),
        ("integer: -7", -7),
        ("integer: 2e4", 20000),
        ("integer: 9223372036854775807", 2**63 - 1),
        ("number: 1e-3", 0.001),
        ("number: 3", 3.0),
        ("number: .5", 0.5),
        ("number: 5.", 5.0),
        ("number: -1.5E+2", -150.0),
        ("truth: true", True),
        ("truth: false", False),
        ("word: off", "off"),
        ("word: no", "no"),
        ("word: 1:30", "1:30"),
        ("word: 010", "010"),
        ("word: 'null'", "null"),
        ("word: '<<'", "<<"),
        ("word: ''", ""),
        ("choice: slow", "slow"),
        ("choice: 'slow'", "slow"),
        ("level: 2", 2),
        ("word: None", "None"),
        ("maybe: null", None),
        ("maybe: ~", None),
        ("maybe:", None),
        ("maybe: 2", 2),
        ("integers: [1, 2]", (1, 2)),
        ("integers: 3", (3,)),
        ("integers: []", ()),
        ("pair: [1, 2]", (1, 2.0)),
        ("words: no", ("no",)),
        ("count: full", "full"),
        ("count: 32", 32),
        ("rates: 0.1", (0.1,)),
        ("rates: [1e-1, 1]", (0.1, 1.0)),
        ("rates: {times_limit: 0.5}", TimesLimits((0.5,))),
        ("rates: {log_from: 1e-3, log_to: 1, num: 7}", LogSpaced(1e-3, 1.0, 7)),
        ("rates: null", None),
        ("each: {adam: [1, 2], momentum: {log_from: 1, log_to: 2, num: 3}}", {"adam": (1.0, 2.0), "momentum": SPACED}),
        ("each: {adam: 1e-3}", {"adam": (0.001,)}),
        ("each: {log_from: 1, log_to: 2, num: 3}", SPACED),
        ("mixed: true", True),
        ("mixed: 1", 1.0),
        ("mixed: on", "on"),
        ("inner: {log_from: 1, log_to: 2, num: 3}", LogSpaced(1.0, 2.0, 3)),
    ],
)
def test_the_type_of_the_field_reads_the_scalar(field, text, value):
    read = field(text)
    assert (type(read), read) == (type(value), value)


INTEGER = ("an integer", "write it in decimal digits, like 20000 or 2e4")


NUMBER = ("a finite number", "write it like 0.001 or 1e-3")


@pytest.mark.parametrize(
    ("text", "expected", "there", "hint"),
    [
        ("integer: 1_000", INTEGER[0], "'1_000'", INTEGER[1]),
        ("integer: 0x10", INTEGER[0], "'0x10'", INTEGER[1]),
        ("integer: 1.0", INTEGER[0], "'1.0'", INTEGER[1]),
        ("integer: 1e-3", INTEGER[0], "'1e-3'", INTEGER[1]),
        ("integer: 1e99", INTEGER[0], "'1e99'", INTEGER[1]),
        ("integer: 9223372036854775808", INTEGER[0], "'9223372036854775808'", INTEGER[1]),
        ("integer: ٣", INTEGER[0], "'٣'", INTEGER[1]),
        ("integer: '3'", INTEGER[0], "the text '3'", "leave the quotes out"),
        ("integer: 'all'", INTEGER[0], "the text 'all'", INTEGER[1]),
        ("number: 'fast'", NUMBER[0], "the text 'fast'", NUMBER[1]),
        ("integer: 10,000", INTEGER[0], "'10,000'", "did you mean 10000, or [10,000]?"),
        ("integer: 2,4", INTEGER[0], "'2,4'", "did you mean [2,4]?"),
        ("number: 0,1", NUMBER[0], "'0,1'", "did you mean 0.1, or [0,1]?"),
        ("integer: [3]", INTEGER[0], "a list", "give one value"),
        ("integer:", INTEGER[0], "left empty", INTEGER[1]),
        ("integer: null", INTEGER[0], "null", INTEGER[1]),
        ("number: nan", NUMBER[0], "'nan'", NUMBER[1]),
        ("number: .inf", NUMBER[0], "'.inf'", NUMBER[1]),
        ("number: 1e999", NUMBER[0], "'1e999'", NUMBER[1]),
        ("number: 1:30", NUMBER[0], "'1:30'", NUMBER[1]),
        ("number: 1_0.0", NUMBER[0], "'1_0.0'", NUMBER[1]),
        ("number: {a: 1}", NUMBER[0], "a mapping", "give one value"),
        ("truth: yes", "true or false", "'yes'", "write true or false"),
        ("truth: 'true'", "true or false", "the text 'true'", "leave the quotes out"),
        ("word: ~", "text", "null", "write it between quotes"),
        ("word: [a]", "text", "a list", "give one value"),
        ("choice: fats", "'fast' or 'slow'", "'fats'", "did you mean 'fast'? known: fast, slow"),
        ("level: '2'", "2", "the text '2'", "leave the quotes out"),
        ("choice: []", "'fast' or 'slow'", "a list", "known: fast, slow"),
        ("integers: {}", INTEGER[0], "an empty mapping", "give one value"),
        ("pair: [1]", "a list of 2", "a list of 1", "write [..., ...]"),
        ("pair: 1", "a list of 2", "'1'", "write [..., ...]"),
        ("count: fulll", "an integer or 'full'", "'fulll'", "did you mean 'full'? known: full"),
        ("count: 1.5", "an integer or 'full'", "'1.5'", "write an integer or 'full'"),
        ("inner: []", "a mapping of log_from, log_to, num", "a list", "write 'key: value' pairs"),
        ("count: [1]", "an integer or 'full'", "a list", "write an integer or 'full'"),
        ("rates: fast", NUMBER[0], "'fast'", NUMBER[1]),
        ('file: "a\\0b"', "a path", "the text 'a\\x00b'", "it starts from the folder of this file"),
        ("inner: 3", "a mapping of log_from, log_to, num", "'3'", "write 'key: value' pairs"),
    ],
)
def test_a_scalar_that_does_not_fit_is_refused(write, text, expected, there, hint, everything, refused):
    path, name = write(f"# comment\n{text}\n"), text.partition(":")[0]
    with refused(path, 2, f"{name} must be {expected}, not {there}", hint):
        read_file(path, everything)


def test_the_position_in_a_list_is_named(write, everything, refused):
    path = write("integers:\n  - 1\n  - two\n")
    with refused(path, 3, f"integers.1 must be {INTEGER[0]}, not 'two'", INTEGER[1]):
        read_file(path, everything)


def test_a_type_without_a_reader_is_our_mistake(write):
    unreadable = dataclasses.make_dataclass("Unreadable", [("field", dict)])
    complaint = re.escape("no reader for <class 'dict'>, the type of field")
    with pytest.raises(TypeError, match=f"^{complaint}$"):
        read_file(write("field: 1"), unreadable)


def test_deep_nesting_by_aliases_is_refused(write, refused):
    lines = ["- &a0 {inner: null}", *(f"- &a{n} {{inner: *a{n - 1}}}" for n in range(1, 300))]
    path = write("\n".join(["rings:", *lines]))
    with refused(path, 2, f"nested more than {MAX_DEPTH} deep", DEEP_HINT):
        read_file(path, Rings)
