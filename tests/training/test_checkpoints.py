"""A checkpoint is there whole or not at all, and nowhere else."""

import math
import resource
import signal

import pytest
import torch

from pipeline.training.checkpoints import AtomicCheckpointIO
from pipeline.training.deadline import Deadline
from pipeline.training.module import PackModule
from pipeline.training.recorder import Recorder
from pipeline.training.trainer import new_trainer

pytestmark = pytest.mark.filterwarnings("ignore:.*(does not have many workers|srun. command is available).*")


@pytest.fixture
def small_files():
    """No file may become larger than 4 KiB: a write beyond that fails in the middle, as on a full disk."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_checkpoint_that_does_not_fit_is_an_error_of_the_disk_and_leaves_nothing(
    tmp_path, monkeypatch, small_files, pack
):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "no such folder"))
    path = tmp_path / "last.ckpt"
    writer = AtomicCheckpointIO()
    writer.save_checkpoint({"weights": torch.zeros(3)}, path)
    small_files()
    with pytest.raises(OSError, match=r"File too large: '.*/last.ckpt'$"):
        writer.save_checkpoint({"weights": torch.zeros(100_000)}, path)
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
    assert torch.equal(torch.load(path, weights_only=True)["weights"], torch.zeros(3))


def test_trainer_of_a_pack_writes_through_it(tmp_path, experiment, pack):
    path = tmp_path / "last.ckpt"
    recorder = Recorder(tmp_path, (), (0, 40), path, math.inf, lambda trial_steps: None, Deadline())
    trainer = new_trainer(experiment(accelerator="cpu"), recorder)
    assert isinstance(trainer.strategy.checkpoint_io, AtomicCheckpointIO)
    module = PackModule(pack(), (0, 40))
    trainer.fit(module)
    trainer.save_checkpoint(path)
    assert torch.equal(torch.load(path, weights_only=True)["state_dict"]["weights"], module.weights)
