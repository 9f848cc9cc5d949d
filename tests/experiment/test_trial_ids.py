"""The id of a trial is the SHA-256 of its whole content."""

import hashlib
import json

from pipeline.definitions import canonical
from pipeline.experiment.axes import TimesLimits
from pipeline.experiment.trial_ids import identified_trials, with_texts


def content(trial):
    """All of a trial as compact JSON with sorted keys, in the order shape, learning rate, seed."""
    how = {"sort_keys": True, "separators": (",", ":")}
    shape, rate = (canonical(value, identity=True) for value in (trial.shape, trial.learning_rate))
    return f'{{"shape":{json.dumps(shape, **how)},"learning_rate":{json.dumps(rate, **how)},"seed":{trial.seed}}}'


def test_an_id_is_the_sha256_of_the_whole_content_defaults_included(experiment):
    asked = experiment(learning_rates=TimesLimits((0.5, 2.0)), optimizer=experiment().optimizer)
    trials = [*experiment().trials(), *asked.trials()]
    assert all(trial.id == hashlib.sha256(content(trial).encode()).hexdigest() for trial in trials)
    basis = {"basis": {"legendre": {}}, "product": "total_degree", "coordinates": "cartesian"}
    assert canonical(trials[0].shape, identity=True)["model"]["linear"] == basis


def test_trials_of_one_rate_stand_together_in_the_order_of_the_seeds(experiment):
    shape = next(iter(experiment().shapes()))
    trials = list(identified_trials(shape, with_texts((0.2, 0.1)), (7, 3)))
    assert [(trial.learning_rate, trial.seed) for trial in trials] == [(0.2, 7), (0.2, 3), (0.1, 7), (0.1, 3)]
