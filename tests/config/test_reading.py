"""An experiment is read as written, writes and reads back as itself, and anything else is refused in words."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config import read_canonical, read_experiment
from pipeline.config.fields import fields_of
from pipeline.config.registry import TABLES
from pipeline.definitions import canonical
from pipeline.errors import PipelineError
from pipeline.experiment.axes import LogSpaced, LogSpacedSteps, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.models.activations import LeakyRelu, Relu
from pipeline.models.bases.polynomial import Monomial
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Adam, Momentum
from pipeline.problems.datasets import Digits, Table
from pipeline.problems.measures import Uniform
from pipeline.problems.targets import AbsoluteValue, Step


def test_the_least_experiment_takes_every_default(write, least):
    expected = Experiment("Which width?", (Linear(),), (4,), (AbsoluteValue(),))
    assert read_experiment(write(least)) == expected


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


def test_ways_of_training_are_read_as_axes_with_learning_rates_for_each_optimizer(write, least):
    text = (
        least
        + """\
optimizer: [momentum, {adam: {beta1: 0.5}}]
learning_rates: {adam: [1e-3], momentum: {times_limit: [0.5, 1]}}
batch_size: [full, 64]
dtype: [float32, float64]
steps: [1e2, 1000]
"""
    )
    experiment = read_experiment(write(text.replace("[full, 64]", "full")))
    assert experiment.optimizer == (Momentum(), Adam(0.5))
    assert experiment.learning_rates == {"adam": (0.001,), "momentum": TimesLimits((0.5, 1.0))}
    assert (experiment.dtype, experiment.steps) == (("float32", "float64"), (100, 1000))
    again = read_canonical(json.loads(json.dumps(canonical(experiment))), Experiment, "plan.json")
    assert (again, again.identity()) == (experiment, experiment.identity())
    with pytest.raises(PipelineError, match=r"yaml:6: of minibatches no limit is known for momentum"):
        read_experiment(write(text))


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("optimizer: [adam, lbfgs]", "yaml:5: lbfgs needs float64"),
        ("optimizer:\n  - adam\n  - adam", "yaml:7: optimizer names adam twice"),
        ("optimizer: []", "yaml:5: optimizer is empty"),
        ("optimizer: [adam, adamm]", "yaml:5: optimizer must be|yaml:5: unknown optimizer 'adamm'"),
        ("learning_rates:\n  adam: 0.1", "yaml:6: 'adam' is no optimizer of this experiment that has a learning rate"),
        ("learning_rates: {gradient_descent: [0.1, 0.1]}", "yaml:5: learning_rates names 0.1 twice"),
        ("learning_rates: {gradient_descent: []}", "yaml:5: learning_rates is empty"),
        ("learning_rates: {gradient_descent: [0.1, 1e-300]}", "yaml:5: learning rate 1e-300 cannot be written in"),
        ("batch_size:\n  - full\n  - 257", "yaml:7: batch_size 257 is more than the 256 training points"),
        ("batch_size: [8, whole]", "yaml:5: batch_size.1 must be"),
        ("steps: [10, 0]", "yaml:5: steps must be positive, not 0"),
        ("steps: 1e15", "yaml:5: 1000000000000000 steps are more than 1000000000000, which take twelve days at a"),
        ("steps: [10, 100]\nrecord_at: [5, 101]", "yaml:6: step 101 is not between 0 and steps 100"),
        ("dtype: [float32, float32]", "yaml:5: dtype names float32 twice"),
    ],
)
def test_a_way_of_training_that_cannot_be_is_refused_at_its_line(write, least, line, complaint):
    with pytest.raises(PipelineError, match=complaint):
        read_experiment(write(f"{least}{line}\n"))


def test_a_table_is_found_beside_the_file_that_names_it(write, tmp_path, least):
    (tmp_path / "points.csv").write_text("x,y\n" + "".join(f"{x},{x * x}\n" for x in range(10)))
    text = least.replace("target: absolute_value", "data: {table: {path: points.csv, inputs: x, output: y}}")
    experiment = read_experiment(write(text))
    (table,) = experiment.data
    assert isinstance(table, Table)
    assert table.path == tmp_path.resolve() / "points.csv"
    again = read_canonical(json.loads(json.dumps(canonical(experiment))), Experiment, "plan.json")
    assert again == experiment
    assert again.data[0].path == table.path


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null\n"])
def test_an_empty_file_is_refused(write, text, refused):
    path = write(text)
    with refused(path, None, "the file is empty", "required: question, models, widths"):
        read_experiment(path)


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
def test_what_is_written_canonically_is_read_as_the_same_experiment(write, overrides, least):
    experiment = read_experiment(write(least), overrides)
    assert read_canonical(canonical(experiment), Experiment, "plan.json") == experiment
    assert read_canonical(json.loads(json.dumps(canonical(experiment))), Experiment, "plan.json") == experiment


def test_an_experiment_on_data_is_written_and_read(write, least):
    experiment = read_experiment(write(least.replace("target: absolute_value", "data: digits")))
    assert experiment.data == (Digits(),)
    assert read_canonical(json.loads(json.dumps(canonical(experiment))), Experiment, "plan.json") == experiment


@given(rates=st.lists(st.floats(min_value=sys.float_info.min, allow_infinity=False), min_size=1, unique=True))
def test_no_bit_of_a_number_is_lost(rates):
    experiment = Experiment("?", (Linear(),), (4,), (AbsoluteValue(),), learning_rates=tuple(rates), dtype="float64")
    assert read_canonical(json.loads(json.dumps(canonical(experiment))), Experiment, "plan.json") == experiment


def test_a_damaged_plan_is_refused_with_the_name_of_the_field(refused):
    content = canonical(Experiment("?", (Linear(),), (4,), (AbsoluteValue(),)))
    with refused("plan.json", None, "steps must be an integer, not the text '10'", "leave the quotes out"):
        read_canonical({**content, "steps": "10"}, Experiment, "plan.json")
    what = "pack_memory_gib must be a finite number, not 'nan'"
    with refused("plan.json", None, what, "write it like 0.001 or 1e-3"):
        read_canonical({**content, "pack_memory_gib": float("nan")}, Experiment, "plan.json")
    fields = ", ".join(fields_of(Experiment))
    with refused("plan.json", None, f"all of it must be a mapping of {fields}, not a list", "write 'key: value' pairs"):
        read_canonical([], Experiment, "plan.json")


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
WORDS += [*fields_of(Experiment), "log_from", "times_limit", *(name for table in TABLES.values() for name in table)]


SCRAPS = st.one_of(st.text(max_size=20), st.lists(st.sampled_from(WORDS), max_size=8).map("".join))


UNCHECKED = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)
PATIENT = settings(max_examples=150, deadline=None, suppress_health_check=UNCHECKED)


@PATIENT
@given(content=st.one_of(st.binary(), SCRAPS.map(lambda text: text.encode(errors="surrogatepass"))))
def test_any_bytes_read_or_are_refused_in_words(tmp_path, content):
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    assert complaint(path).startswith(str(path))


@PATIENT
@given(start=st.integers(0, 71), length=st.integers(0, 12), scrap=SCRAPS)
def test_any_damage_to_a_good_file_reads_or_is_refused_in_words(tmp_path, start, length, scrap, least):
    content = least[:start] + scrap + least[start + length :]
    path = tmp_path / "any.yaml"
    path.write_bytes(content.encode(errors="surrogatepass"))
    assert complaint(path).startswith(str(path)) or isinstance(read_experiment(path), Experiment)


@PATIENT
@given(field=st.sampled_from(list(fields_of(Experiment))), scrap=SCRAPS)
def test_any_value_set_reads_or_is_refused_in_words(tmp_path, field, scrap, least):
    path = tmp_path / "any.yaml"
    path.write_text(least)
    found = complaint(path, (f"{field}={scrap}",))
    assert found.startswith((f"{path}:", "--set ")) or not found
