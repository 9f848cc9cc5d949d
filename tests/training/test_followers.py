"""Several processes train a pack to the numbers of one; this file is also what those processes run."""

import functools
import json
import os
import shutil
import signal
import socket
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import preloaded
import pytest
import torch

from pipeline.errors import PipelineError
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.parallelism import Parallel
from pipeline.models.activations import Tanh
from pipeline.models.bases.trigonometric import Cosine
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.optimizers import OPTIMIZERS
from pipeline.optimizers.rules import Adam
from pipeline.optimizers.solvers import Solver
from pipeline.plans import make_plan
from pipeline.problems.targets import AbsoluteValue
from pipeline.records.outcome_provenance import NO_JOB
from pipeline.records.store import read_fitted_samples, read_outcomes, read_records
from pipeline.training.data_parallel import DataParallelPackModule
from pipeline.training.deadline import Deadline, Stopped
from pipeline.training.fit import fit
from pipeline.training.followers import in_parallel
from pipeline.training.process_group import VARIABLES
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import check_ready, train_packs

BOTH = (Linear(Cosine()), Shallow(Tanh()))
RULES = [name for name, rule in OPTIMIZERS.items() if rule.uses_learning_rate]
CASES = {
    **{f"{name} full": {"optimizer": OPTIMIZERS[name]()} for name in RULES},
    **{f"{name} minibatches": {"optimizer": OPTIMIZERS[name](), "batch_size": 7} for name in RULES},
    "least_squares": {"optimizer": OPTIMIZERS["least_squares"](), "learning_rates": None, "models": BOTH[:1]},
    **{
        name: {"optimizer": kind(), "learning_rates": None, "models": BOTH[1:]}
        for name, kind in OPTIMIZERS.items()
        if issubclass(kind, Solver)
    },
    "one point at a time": {"batch_size": 1},
    "diverging": {"models": BOTH[1:], "learning_rates": (0.1, 1e3, 1e30), "record_at": (20,)},
    "diverging slowly": {"models": BOTH[:1], "learning_rates": (1.4, 1.45, 1.5)},  # the loss of a shard is steps behind
    "diverging, watched": {"models": BOTH[:1], "learning_rates": (0.1, 20.0), "record_at": tuple(range(40))},
    "all diverging": {"models": BOTH[:1], "learning_rates": (1e9,)},
    "float32": {"dtype": "float32"},
}
INTERRUPTED = {"models": BOTH[1:], "optimizer": Adam(), "batch_size": 7}
BROKEN = ("the first fails", "another fails", "another is killed")
"""How a parallel training may end; whoever fails in a job ends with its process, and that the others notice."""


def experiment(**fields):
    requested = {
        "question": "Is it the same?",
        "models": BOTH,
        "widths": (6,),
        "target": (AbsoluteValue(),),
        "inputs": Inputs(train=(25,), test=50),
        "learning_rates": (0.01, 0.1),
        "steps": 40,
        "seeds": 2,
        "dtype": "float64",
        "accelerator": "cpu",
        "record_at": (1, 5, 20),
    }
    return Experiment(**(requested | fields))


def trained(requested, run, deadline=None):
    """What one process of a job does: train every pack, alone, first or with the first."""
    packs = make_plan("test", requested).packs
    ignore = lambda trial_steps: None  # noqa: E731
    return in_parallel(
        packs, requested, run, lambda: [fit(p, requested, run, ignore, deadline=deadline) for p in packs], deadline
    )


# What each of the processes does.


def one_of_several(run, world, ports):
    """Train every case, then stop and go on."""
    together = {"parallel": Parallel(nodes=world)}
    said = {
        name: in_new_group(ports, partial(trained, experiment(**fields, **together), run / name))
        for name, fields in CASES.items()
    }
    interrupted = experiment(**INTERRUPTED, **together)
    in_the_past = Deadline(at=0)
    for deadline in (in_the_past, in_the_past if os.environ["RANK"] == "1" else Deadline(), None):
        stops = in_new_group(ports, partial(trained, interrupted, run / "interrupted", deadline))
        said[f"stop {len(said)}"] = stops
    in_new_group(ports, partial(trained, interrupted, run / "left to one", in_the_past))
    return said


def one_that_breaks(run, world, ports, how):
    """Train until one process breaks; the first does all that it does in a job."""
    first, update = os.environ["RANK"] == "0", DataParallelPackModule.update

    def breaks(self, stack, trials, segment):
        if segment.first == 5 and how == "another is killed" and not first:
            os.kill(os.getpid(), signal.SIGKILL)
        if segment.first == 5 and how == ("the first fails" if first else "another fails"):
            raise ArithmeticError("one and one is three")
        return update(self, stack, trials, segment)

    DataParallelPackModule.update = breaks
    requested = experiment(parallel=Parallel(nodes=world))
    packs = make_plan("test", requested).packs
    lead = partial(train_packs, packs, requested, run, TrainingProgress(), provenance=NO_JOB, deadline=Deadline())
    return in_new_group(ports, lambda: str(in_parallel(packs, requested, run, lead)))


def in_new_group(ports, train):
    os.environ["MASTER_PORT"] = ports.pop(0)
    try:
        return train()
    except (Exception, Stopped) as error:
        return f"{type(error).__name__}: {error}"


# What they are held against.


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A function that trains a case in one process, once: how many trials diverged in each pack, and the folder."""

    @functools.cache
    def train(case):
        folder = tmp_path_factory.mktemp("alone")
        return trained(experiment(**({"interrupted": INTERRUPTED} | CASES)[case]), folder), folder

    return train


@pytest.fixture(scope="module", params=[2, 3], ids=["two", "three"])
def processes(request, tmp_path_factory):
    """A folder with the runs of several processes, and what each of them said."""
    folder = tmp_path_factory.mktemp("together")
    return folder, said_by_several(request.param, folder, len(CASES) + 4)


def reserved_port(stack):
    """A port that is free to listen on, and that the system gives to no connection meanwhile."""
    holder = stack.enter_context(socket.socket())
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as torch's store has: both may be bound to it
    holder.bind(("127.0.0.1", 0))
    return str(holder.getsockname()[1])


def said_by_several(world, folder, groups, how=""):
    """What each of several processes says at its end; nothing if it was killed."""
    found = os.environ | {"MASTER_ADDR": "127.0.0.1", "LOCAL_RANK": "0", "WORLD_SIZE": str(world)}
    path = str(Path(preloaded.__file__).parent)
    program = f"import runpy, sys; sys.path.append({path!r}); runpy.run_path({__file__!r}, run_name='__main__')"
    with ExitStack() as stack:
        ports = [reserved_port(stack) for _ in range(groups)]
        started = []
        for rank in range(world):
            process = preloaded.begin(
                str(folder), how, *ports, cwd=folder, env=found | {"RANK": str(rank)}, program=program
            )
            stack.callback(process.close)
            stack.callback(process.kill)
            started.append(process)
        said = [process.communicate(timeout=400)[0] for process in started]
    return [json.loads(text.splitlines()[-1]) if text else None for text in said]


def largest_differences(found, expected):
    """The largest relative differences of records that hold the same rows: of condition numbers, and of the others."""
    keys = ["trial", "step", "diagnostic"]
    found, expected = (read_records(run).sort(keys) for run in (found, expected))
    assert found.select(keys).equals(expected.select(keys))
    a, b = (torch.tensor(table["value"].to_list(), dtype=torch.float64) for table in (found, expected))
    assert torch.equal(a.isfinite(), b.isfinite())
    differences = torch.where(a == b, 0, (a - b).abs() / b.abs()).nan_to_num(0)
    conditions = torch.tensor(["condition_number" in name for name in found["diagnostic"]])
    return [differences[chosen].amax().item() if chosen.any() else 0.0 for chosen in (conditions, ~conditions)]


def assert_close(found, expected, dtype="float64"):
    """Up to 5e-15 was seen in float64; the condition numbers of hidden units, near 1e8, magnify it to 2e-7."""
    condition, other = largest_differences(found, expected)
    assert condition <= {"float64": 1e-6, "float32": 1e-4}[dtype]
    assert other <= {"float64": 1e-13, "float32": 1e-5}[dtype]


@pytest.mark.parametrize("case", CASES)
def test_several_processes_give_the_records_and_outcomes_of_one(processes, case, alone):
    folder, (first, *others) = processes
    counts, expected = alone(case)
    assert first[case] == counts
    assert [said[case] for said in others] == [None] * len(others)
    assert_close(folder / case, expected, CASES[case].get("dtype", "float64"))
    columns = ["trial", "status", "step", "learning_rate", "reason"]  # alone, a network is trained by another engine
    outcomes = [read_outcomes(run).sort("trial").select(columns) for run in (folder / case, expected)]
    assert outcomes[0].equals(outcomes[1])
    assert set(read_outcomes(folder / case)["engine"]) == {"reference"}
    # which of two equal trials is best may differ
    assert read_fitted_samples(folder / case).height == read_fitted_samples(expected).height


def test_processes_stop_together_and_go_on_to_the_same_records(processes, alone):
    folder, (first, *_) = processes
    counts, expected = alone("interrupted")
    stopped, stopped_by_one, finished = (first[name] for name in first if name.startswith("stop "))
    assert stopped.startswith("Stopped")
    assert stopped_by_one.startswith("Stopped")  # the deadline had passed in another process only
    assert finished == counts
    assert_close(folder / "interrupted", expected)


def test_checkpoint_of_several_processes_goes_on_in_one(processes, alone, tmp_path):
    folder, _ = processes
    left = shutil.copytree(folder / "left to one", tmp_path / "left to one")
    assert list(left.rglob("last.ckpt"))
    trained(experiment(**INTERRUPTED), left)
    assert_close(left, alone("interrupted")[1])


@pytest.mark.parametrize("how", BROKEN)
def test_nobody_waits_for_a_process_that_has_gone(how, tmp_path):
    first, other = said_by_several(2, tmp_path, 1, how)
    gone = "PipelineError: another process of this parallel training is gone"
    failed = read_outcomes(tmp_path).filter(status="failed")
    if how == "the first fails":
        assert first.startswith("PipelineError: the other processes of this parallel training are gone")
        assert other.startswith(gone)
        assert set(failed["reason"]) == {"ArithmeticError: one and one is three"}
    else:
        assert first.startswith(gone)
        assert other == (None if how == "another is killed" else "ArithmeticError: one and one is three")
        assert failed.is_empty()  # the pack is not to blame for a machine that went away


def test_several_processes_are_refused_where_nobody_started_them(monkeypatch, tmp_path):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    plan = make_plan("test", experiment(parallel=Parallel(nodes=2, devices=3)))
    message = r"^parallel: 2 nodes x 3 devices needs `submit`, which starts 6 processes\n  hint: submit --cluster local"
    with pytest.raises(PipelineError, match=message):
        check_ready(plan)
    with pytest.raises(PipelineError, match=message):
        in_parallel(plan.packs, plan.experiment, tmp_path, pytest.fail)
    assert list(tmp_path.iterdir()) == []


def test_one_process_needs_no_others(monkeypatch, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert in_parallel((), experiment(), tmp_path, lambda: "led") == "led"


if __name__ == "__main__":
    folder, how, *ports = sys.argv[1:]
    arguments = (Path(folder), int(os.environ["WORLD_SIZE"]), ports)
    print(json.dumps(one_that_breaks(*arguments, how) if how else one_of_several(*arguments)))
