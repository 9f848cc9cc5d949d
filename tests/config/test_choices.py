"""A field of named choices takes each by its name and nothing else."""

import enum
from pathlib import Path
from typing import Literal

import pytest

from pipeline.config.choices import choices_of, construct_choice
from pipeline.config.nodes import ScalarNode, SequenceNode


class Split(enum.Enum):
    RANDOM = "random"
    STRATIFIED = "stratified"


def scalar(text, plain=True):
    return ScalarNode("x.yaml:1", Path(), text, plain)


@pytest.mark.parametrize(
    ("hint", "choices"),
    [
        (Literal["full"], {"full": "full"}),
        (Literal[1, 2], {"1": 1, "2": 2}),
        (Literal[True, None], {"true": True, "null": None}),
        (Split, {"random": Split.RANDOM, "stratified": Split.STRATIFIED}),
        (int, {}),
        (tuple[Literal["full"], ...], {}),
    ],
)
def test_choices_of_a_type_are_the_scalars_that_yaml_has_for_them(hint, choices):
    assert choices_of(hint) == choices


@pytest.mark.parametrize("plain", [True, False])
def test_a_member_of_an_enumeration_is_written_by_its_value_with_or_without_quotes(plain):
    assert construct_choice(choices_of(Split), scalar("stratified", plain), ("split",)) is Split.STRATIFIED


def test_a_number_in_quotes_is_no_choice_among_numbers(refused):
    assert construct_choice(choices_of(Literal[1, 2]), scalar("2"), ("level",)) == 2
    with refused("x.yaml:1", None, "level must be 2, not the text '2'", "leave the quotes out"):
        construct_choice(choices_of(Literal[1, 2]), scalar("2", plain=False), ("level",))


def test_another_word_is_refused_with_the_nearest(refused):
    what = "split must be 'random' or 'stratified', not 'stratifed'"
    with refused("x.yaml:1", None, what, "did you mean 'stratified'? known: random, stratified"):
        construct_choice(choices_of(Split), scalar("stratifed"), ("split",))


def test_a_list_is_no_choice(refused):
    what = "split must be 'random' or 'stratified', not a list"
    with refused("x.yaml:1", None, what, "known: random, stratified"):
        construct_choice(choices_of(Split), SequenceNode("x.yaml:1", Path(), ()), ("split",))
