"""A value set on the command line takes its place in the file, and its mistakes are located there."""

from __future__ import annotations

import re

import pytest

from pipeline.config import later_wins, read_experiment
from pipeline.errors import PipelineError
from pipeline.experiment.axes import Inputs, TimesLimits
from pipeline.models.activations import LeakyRelu
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers.rules import Momentum
from pipeline.problems.targets import Step


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
def test_a_value_is_set_from_the_command_line(write, override, field, value, least):
    path = write(least)
    assert getattr(read_experiment(path, [override]), field) == value


def test_an_item_of_a_list_is_set_from_the_command_line(write, least):
    path = write(least.replace("models: linear", "models: [linear: {product: full}, shallow]"))
    overrides = ["models.0.linear.basis=cosine", "models.1.shallow.activation.leaky_relu.slope=0.5", "inputs.noise=0.1"]
    experiment = read_experiment(path, overrides)
    assert experiment.models == (Linear(Cosine(), "full"), Shallow(LeakyRelu(0.5)))
    assert experiment.inputs.noise == (0.1,)


def test_a_value_set_mends_what_the_file_says(write, least):
    assert read_experiment(write(least.replace("4", "many")), ["widths=4"]) == read_experiment(write(least))


def test_an_override_of_one_alias_leaves_the_others(write, least):
    path = write(least.replace("widths: 4", "widths: &few [4, 8]\nseeds: *few"))
    assert read_experiment(path, ["widths.0=5"]).widths == (5, 8)
    assert read_experiment(path, ["widths.0=5"]).seeds == (4, 8)


@pytest.mark.parametrize(
    ("override", "what", "hint"),
    [
        ("steps", "'steps' is not path=value", "write it like steps=100 or inputs.noise=0.1"),
        ("=3", "'=3' is not path=value", "write it like steps=100 or inputs.noise=0.1"),
        ("inputs..noise=3", "'inputs..noise=3' is not path=value", "write it like steps=100 or inputs.noise=0.1"),
        (
            "batch_size=",
            "batch_size must be an integer or 'full' or a list of such, not left empty",
            "write an integer or 'full' or a list of such",
        ),
        ("steps=many", "steps must be an integer, not 'many'", "write it in decimal digits, like 20000 or 2e4"),
        ("inputs.noize=1", "unknown key 'noize' in inputs",
         "did you mean 'noise'? known: dimension, measure, noise, seed, split, test, train"),
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
def test_a_mistake_on_the_command_line_is_located_there(write, override, what, hint, least, refused):
    path = write(least)
    with refused(f"--set {override}", None, what, hint):
        read_experiment(path, [override])


def test_an_impossible_value_set_is_refused_where_it_was_set(write, least, refused):
    path = write(least)
    with refused("--set widths=[4, 0]", None, "widths must be positive, not 0", "take an integer from 1"):
        read_experiment(path, ["widths=[4, 0]"])


def test_a_value_set_twice_is_refused(write, least, refused):
    path = write(least)
    with refused("--set steps =2", None, "steps is set twice, first by --set steps=1", "keep one of the two"):
        read_experiment(path, ["steps=1", "steps =2"])


def test_an_empty_list_has_no_positions(write, least, refused):
    path = write(least.replace("4", "[]"))
    with refused("--set widths.0=1", None, "widths has no '0'", "widths is a list; it is empty"):
        read_experiment(path, ["widths.0=1"])


def test_a_deep_place_on_the_command_line_is_refused(write, least, refused):
    place = ".".join("a" * 5000)
    path = write(least)
    with pytest.raises(PipelineError, match=f"^{re.escape(f'--set {place}=1: ')}.* is not path=value\n  hint: "):
        read_experiment(path, [f"{place}=1"])


@pytest.mark.parametrize(
    "earlier, later, both",
    [
        (["a=1", "b=2"], [], ["a=1", "b=2"]),
        (["a=1", "b=2"], ["a=3"], ["b=2", "a=3"]),
        (["a=1"], [" a =3"], [" a =3"]),
        (["a.0=x", "b=2"], ["a=[y]"], ["b=2", "a=[y]"]),
        (["a=[x, y]"], ["a.0=z"], ["a=[x, y]", "a.0=z"]),
        (["ab=1"], ["a=2"], ["ab=1", "a=2"]),
        (["a=1"], ["a=2", "a=3"], ["a=2", "a=3"]),
    ],
)
def test_what_a_later_command_sets_wins_over_an_earlier_one(earlier, later, both):
    assert later_wins(earlier, later) == both
