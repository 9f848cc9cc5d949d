"""What W&B would refuse, or no sample can hold, is refused before anything is trained."""

import pytest

from pipeline.experiment.wandb_tracking import LONGEST_NAME, ChosenRuns, Tracking, is_name


@pytest.mark.parametrize("name", ["sweeps", "my-sweeps_2", "größen", "x" * LONGEST_NAME])
def test_a_name_of_a_project(name):
    assert is_name(name)
    assert Tracking(project=name, entity=name).project == name


@pytest.mark.parametrize("name", ["", "  ", "a/b", "a%b", "a:b", "line\nbreak", "x" * (LONGEST_NAME + 1), "ö" * 65])
def test_no_name_of_a_project(refuses, name):
    assert not is_name(name)
    for field in ("project", "entity"):
        with refuses((field,), f"W&B has no {field} named {name!r}"):
            Tracking(**{field: name})


@pytest.mark.parametrize("field", ["best", "diverged", "random"])
def test_a_sample_has_no_negative_size(refuses, field):
    assert getattr(ChosenRuns(**{field: 0}), field) == 0
    with refuses((field,), f"{field} must not be negative, not -1"):
        ChosenRuns(**{field: -1})
