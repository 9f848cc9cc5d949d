"""A plan is written once, before anything is trained, and read back as it was."""

import errno
import gc
import itertools
import json
import os
import re
import tracemalloc
from dataclasses import dataclass, replace

import numpy as np
import pytest

from pipeline.errors import PipelineError
from pipeline.experiment.axes import Inputs, LogSpaced, TimesLimits
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.packing import packs
from pipeline.models.bases import BASES
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import Plan, make_plan, read_plan, with_packs_apart, write_plan
from pipeline.problems.datasets import Digits, Table
from pipeline.problems.targets import TARGETS, Gaussian, Target
from pipeline.records.manifest import read_manifest


def experiments():
    bases = tuple(Linear(basis()) for basis in BASES.values())
    common = {"question": "<Why> \"so\" & 'what'?", "widths": (4, 9)}  # meshes of one and of two inputs
    for name, target in TARGETS.items():
        yield name, Experiment(models=(*bases, Shallow()), target=(target(),), **common)
    yield "digits", Experiment(models=(Shallow(),), data=(Digits(),), learning_rates=LogSpaced(0.1, 1, 3), **common)
    limits = TimesLimits((0.5, 1.5))
    yield "limits", Experiment(models=bases, target=(Gaussian(),), learning_rates=limits, **common)
    inputs = Inputs(dimension=(1, 2), train=(9, 10), noise=(0.0, 0.25), seed=3)
    yield "axes", Experiment(models=bases, target=(Gaussian(),), inputs=inputs, batch_size=4, seeds=(5, 7), **common)


@pytest.mark.parametrize("experiment", [e for _, e in experiments()], ids=[name for name, _ in experiments()])
def test_plan_is_read_back_as_it_was_written(experiment, tmp_path):
    plan = make_plan("name", experiment)
    write_plan(plan, tmp_path)
    again = read_plan(tmp_path)
    assert again == plan or (again.experiment, list(again.trials)) == (plan.experiment, list(plan.trials))
    assert [pack.id for pack in again.packs] == [pack.id for pack in plan.packs]
    assert again.folder_name == plan.folder_name
    assert plan.num_trials == len(plan.trials)
    assert read_manifest(tmp_path) == again.manifest == plan.manifest


@pytest.fixture
def plan():
    return make_plan("small", Experiment("Why?", (Shallow(),), (2,), target=(Gaussian(),), learning_rates=(0.1,)))


def test_plan_that_is_there_stays(plan, tmp_path):
    write_plan(plan, tmp_path)
    before = (tmp_path / "plan.json").read_bytes()
    write_plan(make_plan("other", plan.experiment), tmp_path)
    assert (tmp_path / "plan.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["plan.json"]


def test_folder_without_a_plan_is_no_run(tmp_path):
    what = f"{tmp_path / 'plan.json'}: {str(tmp_path)!r} is not the folder of a run"
    with pytest.raises(PipelineError, match="^" + re.escape(what)):
        read_plan(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"packs": [{}]}', "null"])
def test_damaged_plan_is_refused(plan, tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(PipelineError, match="^" + re.escape(f"{tmp_path / 'plan.json'}: not a plan: ")):
        read_plan(tmp_path)


def test_plan_whose_trials_are_not_those_of_its_experiment_is_refused(plan, tmp_path):
    write_plan(plan, tmp_path)
    content = json.loads((tmp_path / "plan.json").read_text())
    content["packs"][0]["trials"][0] = "0" * 64
    (tmp_path / "plan.json").write_text(json.dumps(content))
    with pytest.raises(PipelineError, match=r"plan\.json: version .* makes other trials of this experiment than"):
        read_plan(tmp_path)


def changed(plan, folder, change):
    """Write a plan with something in it changed."""
    write_plan(plan, folder)
    content = json.loads((folder / "plan.json").read_text())
    change(content)
    (folder / "plan.json").write_text(json.dumps(content))


DAMAGES = {
    "trials that are a number": (lambda c: c["packs"][0].update(trials=5), "'int' object is not iterable"),
    "trials that are nothing": (lambda c: c["packs"][0].update(trials=None), "'NoneType' object is not iterable"),
    "a trial that is a number": (lambda c: c["packs"][0].update(trials=[5]), "5 is not a text"),
    "a trial that is a list": (lambda c: c["packs"][0].update(trials=[["a"]]), "['a'] is not a text"),
    "an id that is a number": (lambda c: c["packs"][0].update(id=5), "5 is not a text"),
    "packs that are nothing": (lambda c: c.update(packs=None), "'NoneType' object is not iterable"),
    "a pack that is a list": (lambda c: c.update(packs=[[]]), "list indices must be integers or slices, not str"),
    "a name that is a list": (lambda c: c.update(name=["small"]), "['small'] is not a text"),
    "a version that is a number": (lambda c: c.update(version=1), "1 is not a text"),
    "no version": (lambda c: c.pop("version"), "'version' is missing"),
    "another id": (
        lambda c: c["packs"][0].update(id="0" * 16),
        f"pack '{'0' * 16}' does not hold the trials it was made of",
    ),
    "a pack without trials": (
        lambda c: c["packs"].append({"id": "empty", "trials": []}),
        "pack 'empty' does not hold the trials it was made of",
    ),
}


@pytest.mark.parametrize(("change", "why"), DAMAGES.values(), ids=DAMAGES.keys())
def test_what_is_damaged_in_a_plan_is_said(plan, tmp_path, change, why):
    changed(plan, tmp_path, change)
    start = f"{tmp_path / 'plan.json'}: not a plan: {why}\n  hint: the file was damaged"
    with pytest.raises(PipelineError, match="^" + re.escape(start)):
        read_plan(tmp_path)


@pytest.mark.parametrize("damaged", [None, 5, [], {}, {"question": ["Why?"]}])
def test_damaged_experiment_is_refused_with_the_file(plan, tmp_path, damaged):
    changed(plan, tmp_path, lambda content: content.update(experiment=damaged))
    with pytest.raises(PipelineError, match="^" + re.escape(str(tmp_path / "plan.json"))):
        read_plan(tmp_path)


def test_deep_nonsense_is_no_plan(tmp_path):
    (tmp_path / "plan.json").write_text("[" * 100_000)
    with pytest.raises(PipelineError, match=r"plan\.json: not a plan: "):
        read_plan(tmp_path)


def test_bytes_that_are_no_text_are_no_plan(tmp_path):
    (tmp_path / "plan.json").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(PipelineError, match=r"plan\.json: not a plan: "):
        read_plan(tmp_path)


def test_trial_that_was_moved_to_another_pack_is_found(tmp_path):
    """The same trials in all, but another pack would be trained than the one whose id is written."""
    plan = make_plan("two", Experiment("Why?", (Shallow(),), (2, 3), target=(Gaussian(),), learning_rates=(0.1, 0.2)))
    assert len(plan.packs) == 2

    def move(content):
        first, second = content["packs"]
        second["trials"].append(first["trials"].pop())

    changed(plan, tmp_path, move)
    what = f"not a plan: pack {plan.packs[0].id!r} does not hold the trials it was made of"
    with pytest.raises(PipelineError, match=re.escape(what)):
        read_plan(tmp_path)


def test_trials_in_another_order_are_another_pack(plan, tmp_path):
    changed(plan, tmp_path, lambda content: content["packs"][0]["trials"].reverse())
    with pytest.raises(PipelineError, match="does not hold the trials it was made of"):
        read_plan(tmp_path)


def test_plan_that_cannot_be_read_is_refused_with_its_path(plan, tmp_path, monkeypatch):
    write_plan(plan, tmp_path)

    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(type(tmp_path), "read_bytes", refuse)
    what = f"{tmp_path / 'plan.json'}: cannot be read: {os.strerror(errno.EACCES)}\n  hint: "
    with pytest.raises(PipelineError, match="^" + re.escape(what)):
        read_plan(tmp_path)


def test_folder_in_the_place_of_a_plan_is_refused_with_its_path(tmp_path):
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(PipelineError, match="^" + re.escape(f"{tmp_path / 'plan.json'}: cannot be read: ")):
        read_plan(tmp_path)


def test_plan_goes_on_with_a_table_that_was_moved(tmp_path):
    """The packs are those that were written, the file is where the configuration says it is now."""
    path, moved = tmp_path / "t.csv", tmp_path / "moved.csv"
    path.write_text("a,y\n1,2\n2,3\n3,5\n")

    def ask(path, **fields):
        return Experiment("Why?", (Shallow(),), (2, 3), data=(Table(path, ("a",), ("y",)),), **fields)

    write_plan(make_plan("table", ask(path)), tmp_path)
    path.rename(moved)
    again = read_plan(tmp_path)
    plan = again.run_as(ask(moved, checkpoint_seconds=5))
    assert plan.experiment.checkpoint_seconds == 5
    assert [pack.id for pack in plan.packs] == [pack.id for pack in again.packs]
    assert {pack.shape.problem.data.path for pack in plan.packs} == {moved}
    assert len(plan.packs[0].shape.problem.load().train_inputs_PD) == 2


def test_plan_that_is_run_as_it_was_asked_is_itself(plan):
    assert plan.run_as(plan.experiment) is plan


def test_plan_of_an_older_version_keeps_the_copies_that_differ_in_the_seed_only(tmp_path):
    """Linear models on the same points draw nothing: today they need one seed, then each was trained for all."""
    experiment = Experiment("Why?", (Linear(), Shallow()), (4,), (Gaussian(),), learning_rates=(0.1, 0.2), seeds=3)
    old = Plan("old", experiment, tuple(packs(experiment.trials(copies=True), experiment.pack_memory_gib)))
    assert (old.num_trials, make_plan("new", experiment).num_trials) == (12, 8)
    write_plan(old, tmp_path)
    again = read_plan(tmp_path)
    assert [pack.id for pack in again.packs] == [pack.id for pack in old.packs]
    assert again.trials.keys() == old.trials.keys()


def bytes_kept_and_at_most(make):
    """Memory of Python's objects that a call leaves behind, and that it takes on the way, once what is kept is kept."""
    make()
    gc.collect()
    tracemalloc.start()
    made = make()
    gc.collect()
    memory = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del made
    return np.array(memory)


def test_a_plan_keeps_about_two_hundred_bytes_of_each_trial_however_many_there_are(tmp_path):
    memory, number = {}, itertools.count()
    gc.freeze()  # what other tests keep is not looked through for each of the twelve
    for seeds in (50, 550):
        experiment = Experiment("How?", (Shallow(),), (4,), (Gaussian(),), learning_rates=(0.1, 0.2), seeds=seeds)
        plan, run = make_plan("name", experiment), tmp_path / f"{seeds} seeds"
        write_plan(plan, run)
        calls = {
            "make": lambda experiment=experiment: make_plan("name", experiment),
            "write": lambda plan=plan: write_plan(plan, tmp_path / str(next(number))),
            "read": lambda run=run: read_plan(run),
        }
        memory[seeds] = {name: bytes_kept_and_at_most(call) for name, call in calls.items()}
    gc.unfreeze()
    of_trial = {name: (memory[550][name] - memory[50][name]) / 1_000 for name in memory[50]}
    # An id of 64 digits is 113 bytes, the trial around it 88, its place in the pack 8.
    assert of_trial["make"][0] < 230
    assert of_trial["read"][0] < 230
    assert of_trial["write"][0] < 20
    assert max(peak for _, peak in of_trial.values()) < 520  # the file in memory, and the ids that it says


def test_a_plan_is_shown_in_one_line_however_many_trials_it_has(plan):
    assert len(plan.packs) == 1
    assert repr(plan) == f"<plan {plan.name!r}: {plan.num_trials} trials in 1 pack>"


def test_of_two_plans_that_are_written_at_once_both_processes_take_the_one_that_is_there(plan, tmp_path):
    """Of one experiment, with packs of their own: the other process had found more trials in other runs."""
    whole = make_plan("small", replace(plan.experiment, seeds=4))
    apart = with_packs_apart(whole, set(list(whole.trials)[:1]))
    assert [len(pack.trials) for pack in apart.packs] == [1, 3]
    assert write_plan(apart, tmp_path) is apart
    taken = write_plan(whole, tmp_path)
    assert [pack.id for pack in taken.packs] == [pack.id for pack in apart.packs]
    assert taken.trials.keys() == whole.trials.keys()
    assert write_plan(apart, tmp_path) is apart


def test_packs_are_kept_apart_only_where_they_hold_both_kinds(plan):
    whole = make_plan("small", replace(plan.experiment, seeds=4, widths=(2, 3)))
    first, second = whole.packs
    named = {trial.id for trial in second.trials[::2]}
    apart = with_packs_apart(whole, named)
    assert apart.packs[0] == first
    assert [{trial.id for trial in pack.trials} & named for pack in apart.packs] == [set(), named, set()]
    assert apart.trials.keys() == whole.trials.keys()
    assert with_packs_apart(whole, whole.trials) == with_packs_apart(whole, ()) == whole


def test_a_class_that_is_in_no_file_cannot_be_planned(tmp_path):
    """Another one of its name would have the same ids."""

    @dataclass(frozen=True)
    class Loose(Target):
        def __call__(self, inputs_PD):
            return inputs_PD[:, 0]

    plan = make_plan("loose", Experiment("Which?", (Linear(),), (4,), target=(Loose(),)))
    message = f"Loose is defined in {__name__}, whose source no plan can keep"
    message += "\n  hint: write it into a file, and name that under use"
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}$"):
        write_plan(plan, tmp_path)
    assert list(tmp_path.iterdir()) == []
