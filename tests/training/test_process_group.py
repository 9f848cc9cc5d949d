"""Processes join one group, and what goes wrong with it is said in words."""

import pytest
from lightning.fabric.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from torch import distributed

from pipeline.errors import PipelineError
from pipeline.experiment.parallelism import Parallel
from pipeline.training.deadline import Stopped
from pipeline.training.process_group import (
    VARIABLES,
    broadcast_command,
    check_processes,
    in_group,
    in_lockstep,
    is_leader,
    is_lost_peer,
    process_group,
    received_command,
    trainer_arguments,
)


def test_other_number_of_processes_than_asked_is_refused(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(name, "4")
    with pytest.raises(PipelineError, match=r"^parallel: 3 nodes x 1 devices needs 3 processes, not 4"):
        check_processes(Parallel(nodes=3))
    check_processes(Parallel(nodes=2, devices=2))


def test_several_processes_need_the_environment_that_finds_the_others(monkeypatch):
    for name in VARIABLES:
        monkeypatch.setenv(name, "4")
    monkeypatch.delenv("LOCAL_RANK")
    with pytest.raises(PipelineError, match=r"^parallel: 4 nodes x 1 devices needs `submit`, which starts 4 processes"):
        check_processes(Parallel(nodes=4))
    check_processes(Parallel())


@pytest.mark.parametrize("accelerator, backend", [("cpu", "gloo"), ("cuda", "nccl")])
def test_trainer_is_given_the_processes_and_guesses_nothing(accelerator, backend):
    arguments, (environment,) = trainer_arguments(Parallel(nodes=2, devices=3), accelerator)
    assert (arguments["num_nodes"], arguments["devices"]) == (2, 3)
    assert arguments["strategy"]._process_group_backend == backend
    assert isinstance(environment, TorchElasticEnvironment)


def test_trainer_of_one_process_has_one_device():
    arguments, (environment,) = trainer_arguments(Parallel(), "cpu")
    assert arguments == {"devices": 1}
    assert isinstance(environment, LightningEnvironment)


def test_error_of_the_network_means_that_a_peer_is_lost():
    closed = RuntimeError("[../third_party/gloo/gloo/transport/tcp/pair.cc:534] Connection closed by peer")
    assert is_lost_peer(closed)
    assert is_lost_peer(distributed.DistNetworkError("reset"))
    assert not is_lost_peer(RuntimeError("shape [2, 3]"))
    assert not is_lost_peer(ValueError("gloo/"))
    message = (
        r"^another process of this parallel training is gone: \[.*Connection closed by peer\n  hint: the logs say why"
    )
    with pytest.raises(PipelineError, match=message), in_lockstep():
        raise closed


@pytest.mark.parametrize("error", [ArithmeticError("one and one is three"), Stopped("at step 3 of 4")], ids=repr)
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error), match=f"^{error}$"), in_lockstep():
        raise error


def test_nobody_is_commanded_who_is_not_there():
    message = r"^the other processes of this parallel training are gone\n  hint: the logs say why; submit again"
    with pytest.raises(PipelineError, match=message):
        broadcast_command(None)


@pytest.fixture
def lonely(monkeypatch):
    """The environment of a job of one process."""
    for name, value in zip(VARIABLES, ("127.0.0.1", "0", "0", "1", "0"), strict=True):
        monkeypatch.setenv(name, value)


def test_group_is_left_at_the_end_and_after_a_failure_but_not_at_a_stop(lonely):
    with process_group(Parallel(), "cpu"):
        assert in_group()
        assert is_leader()
        assert received_command() is None  # the default of who has received nothing
        with pytest.raises(Stopped, match=r"^now$"), in_lockstep():
            raise Stopped("now")
        assert in_group()
        with pytest.raises(ValueError, match=r"^once$"), in_lockstep():
            raise ValueError("once")
        assert not in_group()
    assert not in_group()
