"""The reference of the YAML lists every key once, with what the configuration would read."""

import re
from collections import Counter

import pytest
from reference_pages.yaml_keys import Key, keys_of, mappings_below, unit_of, written, yaml_page

from pipeline.config.fields import fields_of, required_of
from pipeline.config.reading import read_canonical
from pipeline.experiment.axes import Inputs, LogSpaced, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.extensions.extension import Extension
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.clusters.queues import WalltimeTier

FILES = pytest.mark.parametrize("kind", [Experiment, Profile], ids=lambda kind: kind.__name__)


@FILES
def test_every_key_of_a_file_is_on_its_page_exactly_once(kind):
    expected = Counter(name for mapping in mappings_below(kind) for name in fields_of(mapping))
    page = yaml_page(kind, "Keys", "All of them.")
    assert Counter(re.findall(r"^`(\w+)`\n: ", page, re.MULTILINE)) == expected


ONE_SENTENCE_FOR_ALL = {"LogSpaced", "TimesLimits", "LogSpacedSteps", "Node"}


@FILES
def test_every_key_says_what_it_means(kind):
    silent = {mapping.__name__ for mapping in mappings_below(kind) for key in keys_of(mapping) if not key.meaning}
    assert silent <= ONE_SENTENCE_FOR_ALL


def test_mappings_inside_a_file_are_found_and_definitions_are_not():
    inside = mappings_below(Experiment)
    assert inside[0] is Experiment
    assert {Inputs, LogSpaced, TimesLimits} <= set(inside)
    assert len(inside) == len(set(inside))
    assert WalltimeTier in mappings_below(Profile)
    assert not any(mapping.__module__.startswith("pipeline.models") for mapping in inside)
    assert Extension not in inside, "it is written as a name"


def test_a_key_that_has_to_be_given_is_required_and_no_other():
    keys = {key.name: key.default for key in keys_of(Experiment)}
    assert sorted(name for name, default in keys.items() if default == "required") == sorted(required_of(Experiment))
    assert keys["steps"] == "2000"
    assert keys["loss"] == "may be left out"
    assert keys["inputs"] == "by default those of its keys"
    assert keys["record_at"] == "{log_spaced: 40}"


def test_a_default_is_written_as_the_configuration_reads_it():
    content = {"question": "?", "target": ["step"], "models": [{"shallow": {}}], "widths": [4], "steps": 7}
    experiment = read_canonical(content, Experiment, "here")
    assert written(["a", {"log_spaced": 40}, {"adam": {"beta1": 0.9}}, {"haar": {}}, True, None, 1e-8]) == (
        "[a, {log_spaced: 40}, {adam: {beta1: 0.9}}, haar, true, null, 1e-08]"
    )
    assert experiment.steps == 7


def test_the_unit_is_what_the_last_word_of_a_name_says():
    assert unit_of("pack_memory_gib") == "GiB"
    assert unit_of("walltime_minutes") == "minutes"
    assert unit_of("widths") == ""


def test_an_entry_has_the_kind_the_default_the_unit_and_the_meaning():
    entry = Key("patience_seconds", "a finite number", "30", "seconds", "How long.").entry()
    assert entry == "`patience_seconds`\n: *a finite number; default `30`; in seconds.* How long."


def test_a_kind_of_definition_is_a_link_to_its_page():
    assert next(key for key in keys_of(Experiment) if key.name == "optimizer").kind.startswith(
        "the name of [an optimizer](optimizers.md)"
    )
