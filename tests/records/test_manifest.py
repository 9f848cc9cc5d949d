"""The manifest of a plan is read without building a trial, and only of a file that this version has written."""

import json

import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import operations_of_pack
from pipeline.experiment.parallelism import Parallel
from pipeline.experiment.resources import bytes_of_pack, operations_of_step
from pipeline.models import MODELS
from pipeline.optimizers.rules import Adam
from pipeline.plans import make_plan, read_plan, write_plan
from pipeline.problems.targets import Gaussian
from pipeline.records.manifest import read_manifest
from pipeline.records.packs import halve, read_packs


@pytest.fixture
def plan():
    models = tuple(model() for model in MODELS.values())
    experiment = Experiment(
        "Why?", models, (2, 3), (Gaussian(),), optimizer=Adam(), learning_rates=(0.1, 0.2), seeds=5, steps=70,
        inputs=Inputs(dimension=(2,), train=(16,), test=16), parallel=Parallel(2, 3), pack_memory_gib=1e-6,
    )  # fmt: skip
    return make_plan("small", experiment)


def test_each_pack_asks_for_what_its_trials_ask_for(plan):
    packs = plan.manifest.workloads
    assert len(packs) > len({pack.shape for pack in plan.packs})  # some shapes have several
    for pack in plan.packs:
        found = packs[pack.id]
        assert found.trials == tuple(trial.id for trial in pack.trials)
        assert found.memory_bytes == bytes_of_pack(pack.shape, len(pack.trials))
        assert found.operations == operations_of_pack(pack)
        assert found.requirements.operations == operations_of_step(pack.shape)
        assert found.requirements.model == pack.shape.model.label()
    assert plan.manifest.num_trials == len(plan.trials)
    assert plan.manifest.recorded_steps == len(plan.experiment.recorded_steps())
    assert plan.manifest.parallel == plan.experiment.parallel


def test_what_is_the_same_for_all_packs_of_a_shape_is_written_once(plan, tmp_path):
    write_plan(plan, tmp_path)
    content = json.loads((tmp_path / "plan.json").read_bytes())
    assert len(content["shapes"]) == len({pack.shape for pack in plan.packs}) < len(content["packs"])


def test_halves_and_their_halves_are_read_as_the_plan_has_them(plan, tmp_path):
    write_plan(plan, tmp_path)
    before = read_manifest(tmp_path)
    whole = next(pack.id for pack in plan.packs if len(pack.trials) >= 4)
    first, second = halve(tmp_path, whole, read_packs(tmp_path)[whole])
    quarters = halve(tmp_path, first, read_packs(tmp_path)[first])
    halved = read_manifest(tmp_path)
    assert list(halved.workloads) == [
        part for pack in before.workloads for part in ([*quarters, second] if pack == whole else [pack])
    ]
    assert halved == before.refined(tmp_path) == read_plan(tmp_path).manifest
    assert list(halved.workloads) == list(read_packs(tmp_path))


CHANGES = {
    "planned by another version": lambda content: content.update(version="0.0.1"),
    "planned before manifests were written": lambda content: content.pop("digest"),
    "another width": lambda content: content["experiment"].update(widths=[2, 4]),
    "another device": lambda content: content["experiment"].update(accelerator="cuda"),
    "less memory": lambda content: content["shapes"][0]["memory"].update(trial=1),
    "a pack of another shape": lambda content: content["packs"][0].update(shape=1),
    "a trial less": lambda content: content["packs"][0]["trials"].pop(),
    "a pack less": lambda content: content["packs"].pop(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_plan_that_is_not_word_for_word_as_this_version_wrote_it_has_no_manifest(plan, tmp_path, change):
    write_plan(plan, tmp_path)
    assert read_manifest(tmp_path) == plan.manifest
    content = json.loads((tmp_path / "plan.json").read_bytes())
    change(content)
    (tmp_path / "plan.json").write_text(json.dumps(content))
    assert read_manifest(tmp_path) is None


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"{}", b'"digest"', b"\xff\xfe", b"[" * 100_000])
def test_nonsense_has_no_manifest(tmp_path, text):
    (tmp_path / "plan.json").write_bytes(text)
    assert read_manifest(tmp_path) is None


def test_folder_without_a_plan_has_no_manifest(tmp_path):
    assert read_manifest(tmp_path / "nowhere") is None
    (tmp_path / "plan.json").mkdir()
    assert read_manifest(tmp_path) is None
