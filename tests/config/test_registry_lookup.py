"""A kind of definition is found in the registry, and an abstract class below a kind finds the part that is of it."""

import pytest

from pipeline.config.registry_lookup import definitions_of, kind_and_table, noun_of, with_article
from pipeline.models.bases import BASES
from pipeline.models.bases.basis import Basis
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Optimizer
from pipeline.optimizers.solvers import Solver
from pipeline.problems.datasets import Data


def test_a_kind_has_its_whole_table():
    assert definitions_of(Basis) == BASES


def test_a_class_below_a_kind_has_the_definitions_that_are_of_it():
    kind, solvers = kind_and_table(Solver)
    assert kind is Optimizer
    assert 0 < len(solvers) < len(OPTIMIZERS)
    assert all(issubclass(definition, Solver) for definition in solvers.values())
    assert noun_of(Solver) == "optimizer"


def test_a_class_that_is_no_definition_is_our_mistake():
    with pytest.raises(TypeError, match=r"^no table of definitions holds int$"):
        kind_and_table(int)


@pytest.mark.parametrize(("kind", "words"), [(Basis, "a basis"), (Optimizer, "an optimizer"), (Data, "data")])
def test_a_noun_has_its_article_unless_it_takes_none(kind, words):
    assert with_article(noun_of(kind)) == words
