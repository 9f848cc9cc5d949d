"""A YAML file is opened once; what it says decides what is constructed from it."""

import re

import pytest

from pipeline.config import read_document, read_experiment
from pipeline.errors import PipelineError


def test_a_file_gives_what_it_is_about_and_an_experiment_from_one_reading(pipe, write, least):
    path = pipe(least)
    document = read_document(path)
    assert not path.exists()
    assert not document.is_game
    assert document.experiment(["steps=7"]).steps == 7
    assert document.experiment() == read_experiment(write(least))


def test_a_file_with_rounds_is_a_game(write):
    document = read_document(write("question: Who wins?\nrounds: {}\n"))
    assert document.is_game
    what = f"{document.path}: asks for a number game, which needs no training"
    with pytest.raises(PipelineError, match=f"^{re.escape(what)}\n  hint: python -m pipeline run "):
        document.experiment()


@pytest.mark.parametrize("text", ["", "rounds", "- rounds", "question: rounds"])
def test_a_file_without_rounds_is_none(write, text):
    assert not read_document(write(text)).is_game
