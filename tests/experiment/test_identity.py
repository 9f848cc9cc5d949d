"""The id of a pack is a hash of its trials; how an experiment runs is no part of what it is."""

import dataclasses
import hashlib

from pipeline.experiment.experiment import Experiment
from pipeline.experiment.identity import HOW_IT_RUNS, id_of_pack


def test_id_of_a_pack_is_the_head_of_a_sha256_of_its_trials_in_their_order():
    assert id_of_pack(["ab", "cd"]) == hashlib.sha256(b"abcd").hexdigest()[:16]
    assert id_of_pack(["cd", "ab"]) != id_of_pack(["ab", "cd"])


def test_how_it_runs_are_fields_of_an_experiment():
    assert set(HOW_IT_RUNS) < {field.name for field in dataclasses.fields(Experiment)}
