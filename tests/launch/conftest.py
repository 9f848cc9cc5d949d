"""The command line in processes of its own, sending to the SLURM of this machine."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import preloaded
import pytest
import yaml

from pipeline.config import read_experiment
from pipeline.launch.notes.attempts import Attempt, read_attempts
from pipeline.launch.notes.submission import Submission, read_submissions
from pipeline.launch.state.in_flight import held
from pipeline.plans import make_plan, write_plan
from pipeline.records.store import read_outcomes, read_records
from pipeline.training.progress import TrainingProgress
from pipeline.training.run import run_plan

ROOT = Path(__file__).parents[2]
KEY = ["trial", "step", "diagnostic"]
Config = Mapping[str, Any]
SMALL: Config = {
    "question": "Does a sweep on a cluster give what a run here gives?",
    "target": "sine",
    "inputs": {"train": 16, "test": 32},
    "models": [{"linear": {"basis": "monomial"}}, {"shallow": {"activation": "relu"}}],
    "widths": [2, 4],
    "learning_rates": {"log_from": 0.01, "log_to": 1.0, "num": 50},
    "steps": 100,
    "seeds": 1,
    "dtype": "float64",
    "accelerator": "cpu",
    "record_at": {"log_spaced": 6},
}
OWN_TARGET = {
    "mine.py": '''from dataclasses import dataclass
from typing import final
from pipeline.problems.targets import Target
from halves import half

@final
@dataclass(frozen=True)
class Halved(Target):
    """Half of the input."""

    def __call__(self, inputs_PD):
        return half(inputs_PD[:, 0])
''',
    "halves.py": "def half(number):\n    return number / 2\n",
}
"""A definition of a user's own, and the file beside it that it imports."""


@pytest.fixture(autouse=True)
def home_of_a_cluster(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """For profiles of clusters one that all nodes see: that of this user may lie in a folder that each node has."""
    if request.path.parent.name in ("probe", "clusters"):
        monkeypatch.setenv("HOME", "/home/user")


@pytest.fixture
def own_target() -> Callable[[Path], Config]:
    """Write a target of one's own into a folder; what it gives makes a configuration there one that uses it."""

    def write(folder: Path) -> Config:
        for name, text in OWN_TARGET.items():
            (folder / name).write_text(text)
        return {"use": ["mine.py"], "target": "halved"}

    return write


@dataclass
class Desk:
    """A folder in which somebody works, with a run that is sent to the dev cluster.

    Args:
        folder: The working directory.
        cache: Where what packs take is remembered.
    """

    small: ClassVar[Config] = SMALL
    """200 trials in 4 packs."""
    hold: ClassVar[str] = 'cluster.options=["--hold"]'
    """Jobs that wait until they are released: what is in flight does not change while a test looks at it."""
    each_pack_a_job: ClassVar[str] = "cluster.job_minutes=1e-9"

    folder: Path
    cache: Path
    begun: list[preloaded.Command] = field(default_factory=list)

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def quick(self) -> str:
        """Jobs whose Python has its libraries loaded already: for tests that are not about how a job starts."""
        return f"cluster.python={preloaded.job_python()}"

    def environment(self, **more: str) -> dict[str, str]:
        usual = {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(self.cache), "COLUMNS": "200"}
        return os.environ | usual | {preloaded.TIMES_PACKS_ITSELF: "1"} | more

    def write(self, config: Config) -> None:
        (self.folder / "config.yaml").write_text(yaml.safe_dump(dict(config)))

    def begin(self, *words: str, **environment: str) -> preloaded.Command:
        """Start a command and go on."""
        process = preloaded.begin(
            *words, cwd=self.folder, env=self.environment(**environment), stderr=subprocess.STDOUT
        )
        self.begun.append(process)
        return process

    def __call__(self, *words: str, code: int = 0, **environment: str) -> str:
        """What a command says, its errors included; it has to end with a code."""
        process = self.begin(*words, **environment)
        said, _ = process.communicate()
        assert process.returncode == code, said
        return said

    def submit(self, *changes: str, code: int = 0, words: Sequence[str] = (), **environment: str) -> str:
        """Send what is left of the run."""
        return self(*self.submission(*changes), *words, code=code, **environment)

    def submission(self, *changes: str) -> list[str]:
        """The words of a submit."""
        sets = [word for change in changes for word in ("--set", change)]
        return ["submit", "config.yaml", "--cluster", "dev", "--out", "run", *sets]

    def status(self, code: int = 0) -> dict[str, Any]:
        return json.loads(self("status", "run", "--json", code=code))

    def notes(self) -> list[Submission]:
        return read_submissions(self.run)

    def attempts(self) -> list[Attempt]:
        return read_attempts(self.run)

    def held(self) -> set[str]:
        """Ids of the jobs that SLURM still has."""
        return held(self.run, self.notes())

    def wait(self, seconds: float = 500) -> None:
        """Until SLURM has no job of the run any more."""
        self.wait_for(lambda: not self.held(), seconds)

    @staticmethod
    def wait_for(ready: Callable[[], object], seconds: float = 200) -> None:
        """Wait until something is true."""
        end = time.monotonic() + seconds
        while not ready():
            assert time.monotonic() < end, f"not within {seconds:g} s"
            time.sleep(0.2)

    def release(self) -> None:
        """Let jobs begin that were sent to wait."""
        subprocess.run(["scontrol", "release", *(str(note.job) for note in self.notes())], check=True)

    def records(self) -> pl.DataFrame:
        return read_records(self.run).sort(KEY)

    def outcomes(self) -> pl.DataFrame:
        return read_outcomes(self.run).sort("trial")

    def locally(self, config: Config) -> pl.DataFrame:
        """The records of a run of this process, without a scheduler."""
        path = self.folder / "here.yaml"
        path.write_text(yaml.safe_dump(dict(config)))
        plan, here = make_plan("here", read_experiment(path)), self.folder / "here"
        write_plan(plan, here)
        run_plan(plan, here, TrainingProgress(io.StringIO()))
        return read_records(here).sort(KEY)

    def times_sent(self) -> Counter[str]:
        """How often each pack is in a submission that has a job."""
        return Counter(pack for note in self.notes() if note.job for task in note.tasks for pack in task)

    def packs(self) -> set[str]:
        return {pack["id"] for pack in json.loads((self.run / "plan.json").read_bytes())["packs"]}

    def check_complete(self) -> None:
        """Every trial has one outcome, done or diverged, and no number twice."""
        outcomes, records = self.outcomes(), self.records()
        trials = {t for p in json.loads((self.run / "plan.json").read_bytes())["packs"] for t in p["trials"]}
        assert set(outcomes["trial"]) == trials
        assert outcomes["trial"].is_unique().all()
        assert set(outcomes["status"]) <= {"done", "diverged"}
        assert not records.select(KEY).is_duplicated().any()
        assert set(records["trial"]) == trials

    def leave(self) -> None:
        """End what was begun here, and its jobs."""
        for process in self.begun:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.close()
        jobs = [note.job for note in self.notes() if note.job] if (self.run / "jobs").exists() else []
        if jobs:
            subprocess.run(["scancel", *jobs], check=False, capture_output=True)


@pytest.fixture(scope="session")
def cache(shared_folder: Path) -> Path:
    """One for all workers of pytest: what one has measured and compiled, no other measures and compiles again."""
    folder = shared_folder / "cache-of-desks"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def desks(tmp_path: Path, cache: Path, dev_cluster: object) -> Iterator[Callable[[str], Desk]]:
    """Makes desks side by side."""
    made: list[Desk] = []

    def desk(name: str) -> Desk:
        (tmp_path / name).mkdir()
        made.append(Desk(tmp_path / name, cache))
        return made[-1]

    yield desk
    for one in made:
        one.leave()


@pytest.fixture
def desk(desks: Callable[[str], Desk]) -> Desk:
    return desks("desk")
