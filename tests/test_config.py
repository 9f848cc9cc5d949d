"""A YAML file is read by the types of the dataclass, or refused with file, line and the nearest right name."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import config
from pipeline.config import MAX_DEPTH, TABLES, read_canonical, read_experiment, read_file
from pipeline.definitions import Definition, canonical
from pipeline.errors import FieldError, PipelineError
from pipeline.experiment.experiment import Experiment, Inputs, LogSpaced, LogSpacedSteps, TimesLimits
from pipeline.models.activations import LeakyRelu, Relu
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Momentum
from pipeline.problems.datasets import Digits, Table
from pipeline.problems.measures import Uniform
from pipeline.problems.targets import AbsoluteValue, Step

LEAST = """\
question: Which width?
target: absolute_value
models: linear
widths: 4
"""

DEFINITIONS = [definition for table in TABLES.values() for definition in table.values()]


@dataclass(frozen=True)
class Everything:
    """A field of every type that a definition or an experiment may have."""

    integer: int = 0
    number: float = 0.0
    truth: bool = False
    word: str = ""
    choice: Literal["fast", "slow"] = "fast"
    level: Literal[1, 2] = 1
    maybe: int | None = 1
    integers: tuple[int, ...] = ()
    pair: tuple[int, float] = (0, 0.0)
    words: tuple[str, ...] = ()
    count: int | Literal["full"] = "full"
    rates: tuple[float, ...] | LogSpaced | TimesLimits | None = None
    mixed: bool | str | float = 0.0
    file: Path | None = None
    inner: LogSpaced | None = None


@dataclass(frozen=True)
class Ring:
    """What may hold another of its kind."""

    inner: Ring | None = None


@dataclass(frozen=True)
class Rings:
    """Rings in rings."""

    rings: tuple[Ring, ...]


@pytest.fixture
def write(tmp_path):
    """Write a YAML file and give its path."""

    def to_file(text: str | bytes) -> Path:
        path = tmp_path / "question.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to_file


@pytest.fixture
def field(write):
    """Read one field of ``Everything`` as written."""
    return lambda text: getattr(read_file(write(text), Everything), text.partition(":")[0])


def refused(path: Path | str, line: int | None, what: str, hint: str) -> Any:
    """Expect exactly this complaint."""
    where = f"{path}:{line}" if line else str(path)
    return pytest.raises(PipelineError, match=f"^{re.escape(f'{where}: {what}')}\n  hint: {re.escape(hint)}$")


# The type of the field reads the scalar.


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
        ("mixed: true", True),
        ("mixed: 1", 1.0),
        ("mixed: on", "on"),
        ("inner: {log_from: 1, log_to: 2, num: 3}", LogSpaced(1.0, 2.0, 3)),
    ],
)
def test_the_type_of_the_field_reads_the_scalar(field, text, value):
    read = field(text)
    assert (type(read), read) == (type(value), value)


INTEGER = ("a whole number", "write it in decimal digits, like 20000 or 2e4")
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
        ("count: fulll", "a whole number or 'full'", "'fulll'", "did you mean 'full'? known: full"),
        ("count: 1.5", "a whole number or 'full'", "'1.5'", "write a whole number or 'full'"),
        ("inner: []", "a mapping of log_from, log_to, num", "a list", "write 'key: value' pairs"),
        ("count: [1]", "a whole number or 'full'", "a list", "write a whole number or 'full'"),
        ("rates: fast", NUMBER[0], "'fast'", NUMBER[1]),
        ('file: "a\\0b"', "a path", "the text 'a\\x00b'", "it starts from the folder of this file"),
        ("inner: 3", "a mapping of log_from, log_to, num", "'3'", "write 'key: value' pairs"),
    ],
)
def test_a_scalar_that_does_not_fit_is_refused(write, text, expected, there, hint):
    path, name = write(f"# comment\n{text}\n"), text.partition(":")[0]
    with refused(path, 2, f"{name} must be {expected}, not {there}", hint):
        read_file(path, Everything)


def test_a_long_value_is_shown_clipped(write):
    path = write(f"integer: {'x' * 100}")
    with refused(path, 1, f"integer must be {INTEGER[0]}, not {'x' * 57 + '...'!r}", INTEGER[1]):
        read_file(path, Everything)


def test_the_position_in_a_list_is_named(write):
    path = write("integers:\n  - 1\n  - two\n")
    with refused(path, 3, f"integers.1 must be {INTEGER[0]}, not 'two'", INTEGER[1]):
        read_file(path, Everything)


def test_a_mapping_is_read_as_the_option_that_knows_most_of_its_keys(write):
    path = write("rates: {log_from: 1, times_limt: 2}")
    with refused(path, 1, "unknown key 'times_limt' in rates", "known: log_from, log_to, num"):
        read_file(path, Everything)
    path = write("rates: {times_limt: 2}")
    with refused(
        path, 1, "unknown key 'times_limt'", "did you mean 'times_limit'? known: log_from, log_to, num, times_limit"
    ):
        read_file(path, Everything)
    path = write("rates: {}")
    with refused(path, 1, "the mapping is empty", "known: log_from, log_to, num, times_limit"):
        read_file(path, Everything)


def test_a_type_without_a_reader_is_our_mistake(write):
    unreadable = dataclasses.make_dataclass("Unreadable", [("field", dict)])
    complaint = re.escape("no reader for <class 'dict'>, the type of field")
    with pytest.raises(TypeError, match=f"^{complaint}$"):
        read_file(write("field: 1"), unreadable)


# Paths.


def test_a_path_starts_from_the_folder_of_the_file(write, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    assert read_file(write("file: ../data/x.csv"), Everything).file == tmp_path.resolve().parent / "data" / "x.csv"
    assert read_file(write("file: /data/x.csv"), Everything).file == Path("/data/x.csv")
    assert read_file(write("file: ~/x.csv"), Everything).file == Path.home().resolve() / "x.csv"


def test_a_relative_file_gives_absolute_paths(write, tmp_path, monkeypatch):
    path = write("file: x.csv")
    monkeypatch.chdir(tmp_path)
    assert read_file(Path(path.name), Everything).file == tmp_path.resolve() / "x.csv"


def test_a_path_on_the_command_line_starts_from_the_working_folder(write, tmp_path, monkeypatch):
    inside = tmp_path / "elsewhere"
    inside.mkdir()
    monkeypatch.chdir(inside)
    assert read_file(write("integer: 1"), Everything, ["file=x.csv"]).file == inside.resolve() / "x.csv"


def test_a_link_keeps_its_name_because_the_ending_says_what_it_is(write, tmp_path):
    (tmp_path / "blob").touch()
    (tmp_path / "x.csv").symlink_to("blob")
    assert read_file(write("file: x.csv"), Everything).file == tmp_path.resolve() / "x.csv"


# Definitions, all of them.


def needs_fields(definition: type[Definition]) -> bool:
    return bool(config._required(definition))


def kind_of(definition: type[Definition]) -> type[Definition]:
    return config._kind_and_table(definition)[0]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.name())
def test_every_definition_is_written_by_its_name(definition):
    kind, name = kind_of(definition), definition.name()
    if needs_fields(definition):
        pattern = f"^{re.escape('here: missing key')}"
        with pytest.raises(PipelineError, match=pattern):
            read_canonical(name, kind, "here")
        return
    for written in (name, {name: None}, {name: {}}, canonical(definition())):
        assert read_canonical(json.loads(json.dumps(written)), kind, "here") == definition()


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.name())
def test_every_definition_refuses_fields_it_does_not_have(definition):
    fields = config._fields(definition)
    hint = f"known: {', '.join(sorted(fields))}" if fields else "it has no fields"
    with refused("here", None, f"unknown field '?' of {definition.name()}", hint):
        read_canonical({definition.name(): {"?": 1}}, kind_of(definition), "here")


@pytest.mark.parametrize("plural", TABLES)
def test_every_table_refuses_an_unknown_name_with_the_known_ones(plural):
    kind, table = config._KINDS[plural]
    for written in ("??", {"??": None}):
        with refused("here", None, f"unknown {kind.name()} '??'", f"known: {', '.join(sorted(table))}"):
            read_canonical(written, kind, "here")


def test_a_misspelt_definition_gets_the_nearest_name(write):
    path = write(LEAST + "optimizer: momentun\n")
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
def test_a_definition_written_wrongly_is_refused(write, text, line, what, hint):
    path = write(text)
    with refused(path, line, what, hint):
        read_experiment(path)


@pytest.mark.parametrize(("written", "there"), [("[]", "a list"), ("{}", "an empty mapping")])
def test_a_definition_that_is_no_name_is_refused(write, written, there):
    path = write(f"loss: {written}")
    hint = f"known: {', '.join(sorted(TABLES['losses']))}"
    with refused(path, 1, f"loss must be the name of a loss, not {there}", hint):
        read_experiment(path)


# Whole experiments.


def test_the_least_experiment_takes_every_default(write):
    expected = Experiment("Which width?", (Linear(),), (4,), (AbsoluteValue(),))
    assert read_experiment(write(LEAST)) == expected


def test_an_experiment_is_read_as_written(write):
    text = """\
question: Does a learned basis beat a fixed one on |x|?
target: [absolute_value, {step: {at: 5e-1}}]
inputs: {measure: uniform, dimension: 1, train: 256, test: 4096, noise: 0.0}
models:
  - linear: {basis: monomial}
  - linear:
      basis: cosine
  - shallow: {activation: {leaky_relu: {slope: 0.2}}}
  - shallow
widths: [4, 8]
optimizer: {momentum: {momentum: 0.5}}
learning_rates: {log_from: 1e-3, log_to: 1, num: 7}
steps: 20000
batch_size: full
seeds: [3, 5]
dtype: float64
record_at: {log_spaced: 60}
"""
    experiment = read_experiment(write(text))
    assert experiment.target == (AbsoluteValue(), Step(0.5))
    assert experiment.models == (Linear(Monomial()), Linear(Cosine()), Shallow(LeakyRelu(0.2)), Shallow(Relu()))
    assert (experiment.inputs.measure, experiment.inputs.train) == (Uniform(), (256,))
    assert (experiment.optimizer, experiment.learning_rates) == (Momentum(0.5), LogSpaced(1e-3, 1.0, 7))
    assert (experiment.batch_size, experiment.seeds, experiment.steps) == ("full", (3, 5), 20000)
    assert experiment.record_at == LogSpacedSteps(60)


def test_an_alias_stands_for_the_value_of_its_anchor(write):
    experiment = read_experiment(write(LEAST.replace("widths: 4", "widths: &few [4, 8]\nseeds: *few")))
    assert experiment.widths == experiment.seeds == (4, 8)


def test_an_override_of_one_alias_leaves_the_others(write):
    path = write(LEAST.replace("widths: 4", "widths: &few [4, 8]\nseeds: *few"))
    assert read_experiment(path, ["widths.0=5"]).widths == (5, 8)
    assert read_experiment(path, ["widths.0=5"]).seeds == (4, 8)


def test_a_byte_order_mark_is_no_part_of_the_first_key(write):
    assert read_experiment(write("\ufeff" + LEAST)).widths == (4,)


def test_a_table_is_found_beside_the_file_that_names_it(write, tmp_path):
    (tmp_path / "points.csv").write_text("x,y\n" + "".join(f"{x},{x * x}\n" for x in range(10)))
    text = LEAST.replace("target: absolute_value", "data: {table: {path: points.csv, inputs: x, output: y}}")
    experiment = read_experiment(write(text))
    (table,) = experiment.data
    assert isinstance(table, Table)
    assert table.path == tmp_path.resolve() / "points.csv"
    again = read_canonical(json.loads(json.dumps(canonical(experiment))), Experiment, "plan.json")
    assert again == experiment
    assert again.data[0].path == table.path


ROUND_TRIPS = {
    "least": [],
    "noise and dimensions": ["inputs={dimension: [1, 2], noise: [0, 0.1], train: [16, 64]}"],
    "measure": ["inputs={measure: {uniform: {low: -2}}}"],
    "one rate": ["learning_rates=1e-3"],
    "rates": ["learning_rates=[0.1, 0.30000000000000004]"],
    "spaced rates": ["learning_rates={log_from: 1e-3, log_to: 1, num: 7}"],
    "multiples of the limit": ["learning_rates={times_limit: [0.5, 1.1]}"],
    "minibatches": ["batch_size=32"],
    "named seeds": ["seeds=[7, 11]"],
    "steps to record": ["record_at=[0, 10]"],
    "a loss": ["loss=half_mean_square"],
    "no learning rate": ["optimizer=least_squares"],
}


@pytest.mark.parametrize("overrides", ROUND_TRIPS.values(), ids=ROUND_TRIPS.keys())
def test_what_is_written_canonically_is_read_as_the_same_experiment(write, overrides):
    experiment = read_experiment(write(LEAST), overrides)
    assert read_canonical(canonical(experiment), Experiment, "plan.json") == experiment
    assert read_canonical(json.loads(json.dumps(canonical(experiment))), Experiment, "plan.json") == experiment


def test_an_experiment_on_data_is_written_and_read(write):
    experiment = read_experiment(write(LEAST.replace("target: absolute_value", "data: digits")))
    assert experiment.data == (Digits(),)
    assert read_canonical(json.loads(json.dumps(canonical(experiment))), Experiment, "plan.json") == experiment


@given(rates=st.lists(st.floats(min_value=0, exclude_min=True, allow_infinity=False), min_size=1, unique=True))
def test_no_bit_of_a_number_is_lost(rates):
    experiment = Experiment("?", (Linear(),), (4,), (AbsoluteValue(),), learning_rates=tuple(rates))
    assert read_canonical(json.loads(json.dumps(canonical(experiment))), Experiment, "plan.json") == experiment


def test_a_damaged_plan_is_refused_with_the_name_of_the_field():
    content = canonical(Experiment("?", (Linear(),), (4,), (AbsoluteValue(),)))
    with refused("plan.json", None, f"steps must be {INTEGER[0]}, not the text '10'", "leave the quotes out"):
        read_canonical({**content, "steps": "10"}, Experiment, "plan.json")
    with refused("plan.json", None, "pack_memory_gib must be a finite number, not 'nan'", NUMBER[1]):
        read_canonical({**content, "pack_memory_gib": float("nan")}, Experiment, "plan.json")
    fields = ", ".join(config._fields(Experiment))
    with refused("plan.json", None, f"all of it must be a mapping of {fields}, not a list", "write 'key: value' pairs"):
        read_canonical([], Experiment, "plan.json")


def test_what_is_not_json_is_our_mistake():
    with pytest.raises(TypeError, match=f"^{re.escape('(1, 2) is not made of JSON types')}$"):
        read_canonical({"widths": (1, 2)}, Experiment, "plan.json")


# Keys.


def test_an_unknown_key_is_refused_with_the_nearest(write):
    known = ", ".join(sorted(config._fields(Experiment)))
    path = write(LEAST + "sede: 3\n")
    with refused(path, 5, "unknown key 'sede'", f"did you mean 'seeds'? known: {known}"):
        read_experiment(path)


def test_an_unknown_key_inside_is_refused_with_the_nearest(write):
    path = write(LEAST + "inputs:\n  seed: 1\n  noize: 0.1\n")
    hint = "did you mean 'noise'? known: dimension, measure, noise, seed, test, train"
    with refused(path, 7, "unknown key 'noize' in inputs", hint):
        read_experiment(path)


def test_an_unknown_field_of_a_definition_is_refused_with_the_nearest(write):
    path = write(LEAST + "optimizer:\n  momentum: {momentun: 0.5}\n")
    with refused(path, 6, "unknown field 'momentun' of momentum", "did you mean 'momentum'? known: momentum"):
        read_experiment(path)


def test_missing_keys_are_named(write):
    path = write("# comment\nquestion: Why?\ntarget: step\n")
    with refused(path, 2, "missing keys models, widths", "models is the name of a model or a list of such"):
        read_experiment(path)
    path = write(LEAST + "learning_rates:\n  log_from: 1\n  log_to: 2\n")
    with refused(path, 5, "missing key num in learning_rates", "num is a whole number"):
        read_experiment(path)


def test_missing_fields_of_a_definition_are_named(write):
    path = write("data:\n  table:\n    path: x.csv\n    inputs: [x]\n")
    with refused(path, 2, "missing key output in data.table", "output is text or a list of such"):
        read_experiment(path)


def test_a_repeated_key_is_refused_with_both_lines(write):
    path = write(LEAST + "widths: 8\n")
    with refused(path, 5, f"key 'widths' is written twice, first at {path}:4", "keep one of the two"):
        read_experiment(path)
    path = write(LEAST + "'widths': 8\n")
    with refused(path, 5, f"key 'widths' is written twice, first at {path}:4", "keep one of the two"):
        read_experiment(path)


def test_an_empty_heading_is_an_empty_mapping(write):
    assert read_experiment(write(LEAST + "inputs:\n")) == read_experiment(write(LEAST))


# What an object refuses about itself gets a file and a line.


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (LEAST.replace("4", "0"), 4, "widths must be positive, not 0"),
        (LEAST.replace("4", "[4, 0]"), 4, "widths must be positive, not 0"),
        (LEAST.replace("4", "\n  - 4\n  - 0"), 6, "widths must be positive, not 0"),
        (LEAST + "inputs:\n  seed: 1\n  noise: -1\n", 7, "noise is a standard deviation, not -1.0"),
        (LEAST + "inputs:\n  noise: [0,\n  -1]\n", 7, "noise is a standard deviation, not -1.0"),
        (LEAST + "learning_rates:\n  times_limit: -1\n", 6, "times_limit must be positive, not -1.0"),
    ],
)
def test_an_impossible_value_is_refused_at_its_line(write, text, line, what):
    path = write(text)
    with pytest.raises(PipelineError, match=f"^{re.escape(f'{path}:{line}: {what}')}$"):
        read_experiment(path)


def test_an_impossible_field_of_a_definition_is_refused_at_its_line(write):
    path = write(LEAST + "optimizer:\n  momentum:\n    momentum: 2\n")
    with pytest.raises(PipelineError, match=f"^{re.escape(f'{path}:7: momentum 2.0 is not in [0, 1)')}$"):
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


def test_a_field_of_a_definition_is_found_under_its_name(write):
    node = config._compose(
        "models:\n- linear:\n    basis:\n      cosine\n", config._Source("f", Path(), has_lines=True)
    )
    assert config._locate(node, ("models", 0, "basis")) == "f:4"
    assert config._locate(node, ("models", 0, "product")) == "f:2"
    assert config._locate(node, ("models", 0)) == "f:2"
    assert config._locate(node, ("models", 1)) == "f:1"


def test_a_single_value_is_found_as_the_first_of_its_list(write):
    text = "models:\n  linear:\n    basis:\n      cosine\n  shallow: {activation: relu}\n"
    both = config._compose(text, config._Source("f", Path(), has_lines=True))
    one = config._compose(text[: text.index("  shallow")], config._Source("f", Path(), has_lines=True))
    assert config._locate(one, ("models", 0, "basis")) == "f:4"
    assert config._locate(both, ("models", 0, "basis")) == "f:1"


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


# Values set on the command line.


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        ("steps=100", "steps", 100),
        (" inputs . noise = 1", "inputs", Inputs(noise=(1.0,))),
        ("widths=[2,4]", "widths", (2, 4)),
        ("widths.0=5", "widths", (5,)),
        ("question= Why = why? ", "question", "Why = why?"),
        ("learning_rates.times_limit=0.5", "learning_rates", TimesLimits((0.5,))),
        ("models.0.linear.basis=cosine", "models", (Linear(Cosine()),)),
        ("models.linear.basis=cosine", "models", (Linear(Cosine()),)),
        ("models={linear: {basis: cosine}}", "models", (Linear(Cosine()),)),
        ("target.0=step", "target", (Step(),)),
        ("optimizer.momentum.momentum=0.5", "optimizer", Momentum(0.5)),
    ],
)
def test_a_value_is_set_from_the_command_line(write, override, field, value):
    path = write(LEAST)
    assert getattr(read_experiment(path, [override]), field) == value


def test_an_item_of_a_list_is_set_from_the_command_line(write):
    path = write(LEAST.replace("models: linear", "models: [linear: {product: full}, shallow]"))
    overrides = ["models.0.linear.basis=cosine", "models.1.shallow.activation.leaky_relu.slope=0.5", "inputs.noise=0.1"]
    experiment = read_experiment(path, overrides)
    assert experiment.models == (Linear(Cosine(), "full"), Shallow(LeakyRelu(0.5)))
    assert experiment.inputs.noise == (0.1,)


def test_a_value_set_mends_what_the_file_says(write):
    assert read_experiment(write(LEAST.replace("4", "many")), ["widths=4"]) == read_experiment(write(LEAST))


@pytest.mark.parametrize(
    ("override", "what", "hint"),
    [
        ("steps", "'steps' is not path=value", "write it like steps=100 or inputs.noise=0.1"),
        ("=3", "'=3' is not path=value", "write it like steps=100 or inputs.noise=0.1"),
        ("inputs..noise=3", "'inputs..noise=3' is not path=value", "write it like steps=100 or inputs.noise=0.1"),
        (
            "batch_size=",
            "batch_size must be a whole number or 'full', not left empty",
            "write a whole number or 'full'",
        ),
        ("steps=many", f"steps must be {INTEGER[0]}, not 'many'", INTEGER[1]),
        ("inputs.noize=1", "unknown key 'noize' in inputs",
         "did you mean 'noise'? known: dimension, measure, noise, seed, test, train"),
        ("widths.1=8", "widths has no '1'", "widths is a list; its positions are 0 to 0"),
        ("data.1=digits", "data has no '1'", "data is a list; its positions are 0 to 0"),
        ("question.why=3", "question is 'Which width?', which has no 'why' inside", "set question as a whole"),
        ("models.0.shallow.activation=relu", "models.0 is 'linear', which has no 'shallow' inside",
         "set models.0 as a whole"),
        ("steps=[", "not YAML: expected the node content, but found '<stream end>'",
         "while parsing a flow node that starts at --set steps=["),
        ("inputs={seed: 1, seed: 2}", "key 'seed' is written twice, first at --set inputs={seed: 1, seed: 2}",
         "keep one of the two"),
    ],
)  # fmt: skip
def test_a_mistake_on_the_command_line_is_located_there(write, override, what, hint):
    path = write(LEAST)
    with refused(f"--set {override}", None, what, hint):
        read_experiment(path, [override])


def test_an_impossible_value_set_is_refused_where_it_was_set(write):
    path = write(LEAST)
    with pytest.raises(PipelineError, match=f"^{re.escape('--set widths=[4, 0]: widths must be positive, not 0')}$"):
        read_experiment(path, ["widths=[4, 0]"])


def test_a_value_set_twice_is_refused(write):
    path = write(LEAST)
    with refused("--set steps =2", None, "steps is set twice, first by --set steps=1", "keep one of the two"):
        read_experiment(path, ["steps=1", "steps =2"])


def test_an_empty_list_has_no_positions(write):
    path = write(LEAST.replace("4", "[]"))
    with refused("--set widths.0=1", None, "widths has no '0'", "widths is a list; it is empty"):
        read_experiment(path, ["widths.0=1"])


# Files that cannot be read, and YAML that has no meaning here.


def test_a_missing_file_is_refused_with_the_nearest_name(write):
    path = write(LEAST)
    missing = path.with_name("qestion.yaml")
    with refused(missing, None, "there is no such file", "did you mean 'question.yaml'? known: question.yaml"):
        read_experiment(missing)


def test_a_missing_file_in_an_empty_or_missing_folder_is_refused(tmp_path):
    with refused(tmp_path / "x.yaml", None, "there is no such file", f"no YAML file is in {str(tmp_path)!r}"):
        read_experiment(tmp_path / "x.yaml")
    path = tmp_path / "nowhere" / "x.yaml"
    with refused(path, None, "there is no such file", f"there is no folder {str(path.parent)!r} either"):
        read_experiment(path)


def test_a_folder_is_refused(tmp_path):
    with refused(tmp_path, None, "this is a folder, not a file", "name a YAML file inside it"):
        read_experiment(tmp_path)


def test_a_name_that_no_file_can_have_is_refused(write, tmp_path):
    for path, reason in {write("") / "x.yaml": "not a directory", Path("a\0b"): "embedded null byte"}.items():
        with refused(path, None, f"cannot be read: {reason}", "check its name and your permissions"):
            read_experiment(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_one_may_not_read_is_refused(write):
    path = write(LEAST)
    path.chmod(0)
    with refused(path, None, "cannot be read: permission denied", "check its name and your permissions"):
        read_experiment(path)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file_is_refused(write, text):
    path = write(text)
    with refused(path, None, "the file is empty", "required: question, models, widths"):
        read_experiment(path)


MANY = "not YAML: mapping values are not allowed here"


@pytest.mark.parametrize(
    ("text", "line", "what", "hint"),
    [
        (b"a: 1\nb: \xe9\n", 2, "byte 0xe9 is not UTF-8", "save the file as UTF-8"),
        ("a: 1\nb: \x00\n", 2, "character '\\x00' is not allowed in YAML",
         "delete it, or write it as an escape between double quotes"),
        ("a: 1\n- b\n", 2, "not YAML: expected <block end>, but found '-'",
         "while parsing a block mapping that starts at {path}:1"),
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
def test_yaml_without_meaning_is_refused(write, text, line, what, hint):
    path = write(text)
    with refused(path, line, what, hint.format(path=path) if "{path}" in hint else hint):
        read_experiment(path)


DEEP = "an experiment needs far fewer lists and mappings inside each other"


@pytest.mark.parametrize("text", ["a: " + "[" * 100_000, "{a: " * 5_000, "".join(" " * i + "a:\n" for i in range(500))])
def test_deep_nesting_is_refused_before_the_stack_overflows(write, text):
    path = write(text)
    with pytest.raises(
        PipelineError, match=f"^{re.escape(str(path))}:[0-9]+: not YAML: nested more than {MAX_DEPTH} deep"
    ):
        read_experiment(path)


def test_deep_nesting_in_json_is_refused():
    content: object = 1
    for _ in range(500):
        content = [content]
    with refused("plan.json", None, f"nested more than {MAX_DEPTH} deep", DEEP):
        read_canonical({"widths": content}, Experiment, "plan.json")


def test_deep_nesting_by_aliases_is_refused(write):
    lines = ["- &a0 {inner: null}", *(f"- &a{n} {{inner: *a{n - 1}}}" for n in range(1, 300))]
    path = write("\n".join(["rings:", *lines]))
    with refused(path, 2, f"nested more than {MAX_DEPTH} deep", DEEP):
        read_file(path, Rings)


def test_a_deep_place_on_the_command_line_is_refused(write):
    place = ".".join("a" * 5000)
    path = write(LEAST)
    with pytest.raises(PipelineError, match=f"^{re.escape(f'--set {place}=1: ')}.* is not path=value\n  hint: "):
        read_experiment(path, [f"{place}=1"])


def test_aliases_that_would_unfold_to_millions_are_refused_at_once(write):
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    path = write("\n".join([*lines, f"integers: *a{29}"]))
    known = ", ".join(sorted(config._fields(Everything)))
    with refused(path, 1, "unknown key 'a0'", f"known: {known}"):
        read_file(path, Everything)


# Whatever stands in a file.


def complaint(path: Path, overrides: tuple[str, ...] = ()) -> str:
    """What is refused; empty if the file is read."""
    try:
        read_experiment(path, overrides)
    except PipelineError as error:
        return str(error)
    return ""


WORDS = [
    "[",
    "]",
    "{",
    "}",
    ": ",
    ", ",
    "- ",
    "\n",
    "\n  ",
    "&a ",
    "*a",
    "? ",
    "!x ",
    "'",
    '"',
    "|",
    ">",
    "#",
    "%",
    "~",
]
WORDS += ["---", "...", "<<", "\t", "null", "true", "0", "-1", "1e3", "1e999", "nan", "\\U99999999", "\\ud800"]
WORDS += [*config._fields(Experiment), "log_from", "times_limit", *(definition.name() for definition in DEFINITIONS)]
SCRAPS = st.one_of(st.text(max_size=20), st.lists(st.sampled_from(WORDS), max_size=8).map("".join))
PATIENT = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@PATIENT
@given(content=st.one_of(st.binary(), SCRAPS.map(lambda text: text.encode(errors="surrogatepass"))))
def test_any_bytes_read_or_are_refused_in_words(tmp_path, content):
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    assert complaint(path).startswith(str(path))


@PATIENT
@given(start=st.integers(0, len(LEAST)), length=st.integers(0, 12), scrap=SCRAPS)
def test_any_damage_to_a_good_file_reads_or_is_refused_in_words(tmp_path, start, length, scrap):
    content = LEAST[:start] + scrap + LEAST[start + length :]
    path = tmp_path / "any.yaml"
    path.write_bytes(content.encode(errors="surrogatepass"))
    assert complaint(path).startswith(str(path)) or isinstance(read_experiment(path), Experiment)


@PATIENT
@given(field=st.sampled_from(list(config._fields(Experiment))), scrap=SCRAPS)
def test_any_value_set_reads_or_is_refused_in_words(tmp_path, field, scrap):
    path = tmp_path / "any.yaml"
    path.write_text(LEAST)
    found = complaint(path, (f"{field}={scrap}",))
    assert found.startswith((f"{path}:", "--set ")) or not found
