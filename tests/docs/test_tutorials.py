"""What the tutorials ask is answered as they say."""

import re
from pathlib import Path

import pytest

from pipeline.cli import main
from pipeline.config import read_experiment
from pipeline.plans import make_plan

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
TEXT = {name: " ".join((FOLDER / f"{name}.md").read_text().split()) for name in ("lecturer", "researcher")}


def test_the_basis_of_the_researcher_makes_as_many_trials_as_the_page_says():
    planned = make_plan("poles", read_experiment(FOLDER / "poles.yaml"))
    said = f"{len(planned.trials)} trials in {len(planned.packs)} packs"
    assert said in TEXT["researcher"]


def test_the_basis_of_the_researcher_is_less_well_conditioned_than_polynomials(tmp_path, capsys):
    """And training finds less than least squares, as the page says of width 8."""
    less = ("seeds=1", "widths=[8]", "models=[linear: {basis: clustered_poles}]", "learning_rates=[1.438]")
    words = [word for override in less for word in ("--set", override)]
    assert main(["run", str(FOLDER / "poles.yaml"), "--out", str(tmp_path / "poles"), *words]) == 0
    capsys.readouterr()
    assert main(["results", str(tmp_path / "poles"), "--format", "csv"]) == 0
    names, row = (line.split(",") for line in capsys.readouterr().out.splitlines())
    trial = dict(zip(names, row, strict=True))
    assert f"is {float(trial['condition_number']):.0f}, and" in TEXT["researcher"]
    assert f"has {float(trial['least_squares_error']):.4f}, less than half" in TEXT["researcher"]
    assert float(trial["least_squares_error"]) < float(trial["test_error"]) / 2


@pytest.mark.parametrize("name", ["noise", "step"])
def test_a_question_of_the_class_is_answered_as_the_page_says(name, tmp_path, capsys):
    assert main(["run", str(FOLDER / "class" / f"{name}.yaml"), "--out", str(tmp_path / name)]) == 0
    answers = re.findall(r"^(?:The median|linear\(fourier\) has) .*\.$", capsys.readouterr().out, re.MULTILINE)
    assert answers
    assert all(answer in TEXT["lecturer"] for answer in answers)
