"""A file, a dictionary and an experiment are one question, and a mistake in each is named where it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

import pipeline
from pipeline.api.given_experiments import experiment_of
from pipeline.config import read_experiment
from pipeline.definitions import canonical
from pipeline.errors import PipelineError
from pipeline.experiment.axes import Inputs
from pipeline.models.activations import Tanh
from pipeline.models.shallow import Shallow

XOR = Path(__file__).parents[2] / "configs" / "xor.yaml"


def test_a_file_a_dictionary_and_an_experiment_are_one_question() -> None:
    written = read_experiment(XOR)
    assert experiment_of(str(XOR), {}) == experiment_of(XOR, {}) == written
    assert experiment_of(canonical(written), {}) == written
    assert experiment_of(written, {}) is written
    assert [pipeline.plan(given).name for given in (XOR, written)] == ["xor", "experiment"]
    assert pipeline.plan(written, name="mine").folder_name == f"mine-{written.identity()[:10]}"


SETTINGS: dict[str, tuple[Any, str]] = {
    "a number": ({"seeds": 5}, "seeds=5"),
    "a small number": ({"learning_rates": 1e-5}, "learning_rates=1e-5"),
    "a list": ({"widths": [2, 4]}, "widths=[2,4]"),
    "a tuple": ({"widths": (2, 4)}, "widths=[2,4]"),
    "a range": ({"widths": range(2, 4)}, "widths=[2,3]"),
    "an array": ({"widths": np.array([2, 4])}, "widths=[2,4]"),
    "a number of NumPy": ({"steps": np.int64(7)}, "steps=7"),
    "a tensor": ({"widths": torch.tensor([2, 4])}, "widths=[2,4]"),
    "a column": ({"widths": pl.Series([2, 4])}, "widths=[2,4]"),
    "a name": ({"optimizer": "adam"}, "optimizer=adam"),
    "a dictionary": ({"optimizer": {"adam": {"beta2": 0.9}}}, "optimizer={adam: {beta2: 0.9}}"),
    "definitions": ({"models": [Shallow(Tanh())]}, "models=[shallow: {activation: tanh}]"),
    "another dataclass": ({"inputs": Inputs(seed=3)}, "inputs={seed: 3}"),
    "a place inside": ({"inputs.seed": 3}, "inputs.seed=3"),
    "a place in a list": ({"models.1": {"linear": {"basis": "haar"}}}, "models.1={linear: {basis: haar}}"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_what_set_is_on_the_command_line(name: str) -> None:
    settings, override = SETTINGS[name]
    expected = read_experiment(XOR, [override])
    assert expected != read_experiment(XOR)
    assert experiment_of(XOR, settings) == experiment_of(read_experiment(XOR), settings) == expected


NOT_PLAIN = "models: <class 'object'> cannot be written in an experiment\n  hint: give what a YAML file can say"
WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "no key": (XOR, {"sedes": 5}, "sedes=5: unknown key 'sedes'\n  hint: did you mean 'seeds'?"),
    "no number": (XOR, {"seeds": "x"}, "seeds='x': seeds must be an integer, not the text 'x'"),
    "no width": (XOR, {"widths": [0]}, "widths=[0]: widths must be positive"),
    "no place": (XOR, {"models.9": "shallow"}, "models.9='shallow': models has no '9'"),
    "no value": (XOR, {"models": [object]}, NOT_PLAIN),
    "no target": ({"target": "xorr"}, {}, "experiment: unknown target 'xorr'\n  hint: did you mean 'xor'"),
    "no key in a dictionary": ({"targets": "xor"}, {}, "experiment: unknown key 'targets'\n  hint: did you mean"),
    "nothing in it": ({}, {}, "experiment: missing keys question, models, widths\n  hint: "),
    "no experiment": (7, {}, "experiment: 7 is no experiment\n  hint: give the path of a YAML file"),
    "no file": ("configs/xorr.yaml", {}, "configs/xorr.yaml: there is no such file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named_where_it_stands(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(XOR.parents[1])
    given, settings, message = WRONG[name]
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}"):
        pipeline.plan(given, **settings)


def test_what_a_person_should_know_before_training_is_a_warning(tmp_path: Path) -> None:
    table = pl.DataFrame({"x": list(range(40)), "kind": ["a"] * 39 + ["b"]})
    table.write_csv(tmp_path / "rare.csv")
    data = {"table": {"path": str(tmp_path / "rare.csv"), "inputs": "x", "output": "kind", "outputs_are": "classes"}}
    asked = {"question": "?", "data": data, "models": ["shallow"], "widths": [2], "inputs": {"train": 2}}
    with pytest.warns(UserWarning, match="class") as caught:
        pipeline.plan(asked)
    assert caught[0].filename == __file__


def test_a_name_that_leads_to_another_folder_is_refused() -> None:
    with pytest.raises(PipelineError, match=r"^name: 'a/\.\./b' is no name of a folder\n  hint: say the folder"):
        pipeline.plan("xor", name="a/../b")
