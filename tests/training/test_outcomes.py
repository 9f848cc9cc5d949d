"""Outcomes say of every trial how its training ended, and where."""

import platform

import pytest
import torch

from pipeline import __version__
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.records.outcome_provenance import OutcomeProvenance
from pipeline.records.schema import OUTCOMES
from pipeline.records.store import read_fitted_samples, read_outcomes
from pipeline.training.fit import fit
from pipeline.training.module import PackModule
from pipeline.training.outcomes import failed_outcomes, outcomes

JOB = OutcomeProvenance("1234_7", 2, "0123456789ab+cdef")


def test_outcomes_say_which_job_trained_them(experiment, tmp_path):
    requested = experiment(models=(Shallow(),))
    (pack,) = make_plan("test", requested).packs
    fit(pack, requested, tmp_path, lambda trial_steps: None, provenance=JOB)
    said = read_outcomes(tmp_path).select("job", "attempt", "code").unique().rows()
    assert said == [("1234_7", 2, "0123456789ab+cdef")]


def test_step_of_a_trial_is_its_last_or_that_of_its_divergence(pack):
    module = PackModule(pack(models=(Shallow(),)), [40])
    module.steps_done.fill_(40)
    module.diverged_at[3] = 17
    rows = outcomes(module, 6.0, JOB)
    assert rows["status"].to_list() == ["done"] * 3 + ["diverged"] + ["done"] * 8
    assert rows["step"].to_list() == [40] * 3 + [17] + [40] * 8
    assert rows["seconds"].to_list() == [0.5] * 12
    assert rows["learning_rate"].to_list() == module.learning_rates_T.tolist()
    assert rows.select("host", "version", "device", "engine").unique().rows() == [
        (platform.node(), __version__, platform.machine(), module.engine.name)
    ]


def test_failed_trials_have_a_reason_and_every_column(pack):
    failed = pack(models=(Shallow(),))
    rows = failed_outcomes(failed, "ValueError: once", JOB)
    assert set(rows.columns) == set(OUTCOMES.names())
    assert rows.select("status", "reason", "pack").unique().rows() == [("failed", "ValueError: once", failed.id)]
    assert rows["trial"].to_list() == [trial.id for trial in failed.trials]
    assert rows.select("step", "learning_rate", "seconds", "engine", "device").null_count().row(0) == (12,) * 5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_pack_trained_on_a_gpu_leaves_samples_and_the_name_of_the_gpu(experiment, tmp_path):
    requested = experiment(models=(Shallow(),), accelerator="cuda")
    (pack,) = make_plan("test", requested).packs
    fit(pack, requested, tmp_path, lambda trial_steps: None)
    assert set(read_outcomes(tmp_path)["device"]) == {torch.cuda.get_device_name()}
    assert len(read_fitted_samples(tmp_path)) == 201
