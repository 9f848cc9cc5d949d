"""What the tutorials ask is answered as they say."""

from pathlib import Path

import pytest

import pipeline
from pipeline.config import read_experiment
from pipeline.plans import make_plan

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
TEXT = {name: " ".join((FOLDER / f"{name}.md").read_text().split()) for name in ("lecturer", "researcher")}


def test_the_basis_of_the_researcher_makes_as_many_trials_as_the_page_says():
    planned = make_plan("poles", read_experiment(FOLDER / "poles.yaml"))
    said = f"{len(planned.trials)} trials in {len(planned.packs)} packs"
    assert said in TEXT["researcher"]


def test_least_squares_of_the_basis_is_less_than_half_of_what_training_reaches(tmp_path):
    """And the numbers are those of the page, which are of width 8."""
    linear = {"models": [{"linear": {"basis": "clustered_poles"}}], "widths": [8], "learning_rates": [1.438]}
    (trial,) = pipeline.run(FOLDER / "poles.yaml", out=tmp_path / "poles", **linear).results().to_dicts()
    assert f"a condition number of {trial['condition_number']:.0f}, and" in TEXT["researcher"]
    assert f"has {trial['least_squares_error']:.4f}, less than half" in TEXT["researcher"]
    assert trial["least_squares_error"] < trial["test_error"] / 2


@pytest.mark.parametrize("path", sorted((FOLDER / "class").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_question_of_the_class_can_be_planned(path):
    assert make_plan(path.stem, read_experiment(path)).trials
    assert f"class/{path.name}" in TEXT["lecturer"]
