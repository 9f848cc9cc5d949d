"""YAML is read without guessing; what has no meaning here is refused at its line."""

from __future__ import annotations

import re

import pytest

from pipeline.config import read_experiment, read_file
from pipeline.config.fields import fields_of
from pipeline.config.nodes import MAX_DEPTH
from pipeline.errors import PipelineError


def test_an_alias_stands_for_the_value_of_its_anchor(write, least):
    experiment = read_experiment(write(least.replace("widths: 4", "widths: &few [4, 8]\nseeds: *few")))
    assert experiment.widths == experiment.seeds == (4, 8)


def test_a_byte_order_mark_is_no_part_of_the_first_key(write, least):
    assert read_experiment(write("\ufeff" + least)).widths == (4,)


def test_a_repeated_key_is_refused_with_both_lines(write, least, refused):
    path = write(least + "widths: 8\n")
    with refused(path, 5, f"key 'widths' is written twice, first at {path}:4", "keep one of the two"):
        read_experiment(path)
    path = write(least + "'widths': 8\n")
    with refused(path, 5, f"key 'widths' is written twice, first at {path}:4", "keep one of the two"):
        read_experiment(path)


COLUMN_HINT = "begin all items of a list, and all keys of a mapping, in one column; write '- item' with a space"
MANY = "not YAML: mapping values are not allowed here"


@pytest.mark.parametrize(
    ("text", "line", "what", "hint"),
    [
        (b"a: 1\nb: \xe9\n", 2, "byte 0xe9 is not UTF-8", "save the file as UTF-8"),
        ("a: 1\nb: \x00\n", 2, "character '\\x00' is not allowed in YAML",
         "delete it, or write it as an escape between double quotes"),
        ("a: 1\n- b\n", 2, "not YAML: expected <block end>, but found '-'",
         COLUMN_HINT),
        ("a:\n  - b: 1\n  -c: 2\n", 3, "not YAML: expected <block end>, but found '?'", COLUMN_HINT),
        ("a: 1\nb 2\nc: 3\n", 2, "not YAML: there is no ': ' behind a key",
         "write 'key: value', with a space after the colon"),
        ("a: [1, 2\nb: 3\n", 2, "not YAML: expected ',' or ']', but got ':'",
         "while parsing a flow sequence that starts at {path}:1"),
        ("a:\n\t- b\n", 2, "not YAML: found character '\\t' that cannot start any token",
         "indent with spaces, not tabs"),
        ("question: Why: so?\n", 1, MANY, "quote a text that contains ': ', and indent keys of one mapping alike"),
        ("a: *b\n", 1, "not YAML: found undefined alias 'b'", "write &name before *name"),
        ('a: "\\UFFFFFFFF"\n', 1, "not YAML: impossible number",
         "check the escapes after backslashes and the lines that start with %"),
        ('a: "\\ud800"\n', 1, "'\\ud800' is half a character", "write the character itself"),
        ("a: 1\n---\nb: 2\n", 3, "a second document starts here", "delete the line '---' before it"),
        ("- a\n", 1, "the file must be a mapping, not a list",
         "write 'key: value' lines; required: question, models, widths"),
        ("Why?\n", 1, "the file must be a mapping, not 'Why?'",
         "write 'key: value' lines; required: question, models, widths"),
        ("a: &x\n  - *x\n", 1, "this value contains itself", "write the value out instead of *name"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, "merge key '<<' has no meaning here", "write the keys out"),
        ("? [a]\n: 1\n", 1, "a key must be a word, not a list", "write 'key: value'"),
        ("steps: !!int 3\n", 1, "tag 'tag:yaml.org,2002:int' has no meaning here",
         "leave the tag out; the field says what it is"),
        ("steps: !!python/object/apply:os.getcwd []\n", 1,
         "tag 'tag:yaml.org,2002:python/object/apply:os.getcwd' has no meaning here",
         "leave the tag out; the field says what it is"),
    ],
)  # fmt: skip
def test_yaml_without_meaning_is_refused(write, text, line, what, hint, refused):
    path = write(text)
    with refused(path, line, what, hint.format(path=path) if "{path}" in hint else hint):
        read_experiment(path)


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "{a: " * 5_000, "".join(" " * i + "a:\n" for i in range(500))])
def test_deep_nesting_is_refused_before_the_stack_overflows(write, text):
    path = write(text)
    with pytest.raises(
        PipelineError, match=f"^{re.escape(str(path))}:[0-9]+: not YAML: nested more than {MAX_DEPTH} deep"
    ):
        read_experiment(path)


def test_aliases_that_would_unfold_to_millions_are_refused_at_once(write, everything, refused):
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    path = write("\n".join([*lines, f"integers: *a{29}"]))
    known = ", ".join(sorted(fields_of(everything)))
    with refused(path, 1, "unknown key 'a0'", f"known: {known}"):
        read_file(path, everything)
