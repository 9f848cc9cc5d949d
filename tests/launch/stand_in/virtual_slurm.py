"""A stand-in for SLURM in virtual time: commands on the PATH that answer as SLURM's do, and jobs that take no time.

The commands are those that a submit calls. A job does what a worker does with the packs of its task, as far as others
see it: it notes its attempt, and writes the records and the outcomes of a pack when its time has passed. Nothing is
trained, and the clock stands still but for ``advance`` and for whoever sleeps.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import math
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from pipeline.experiment.workload import Workload
from pipeline.launch.job.sharing import pack_to_help_with
from pipeline.launch.notes.attempts import Attempt, heading, next_number, write_attempt
from pipeline.launch.notes.submission import Submission, read_submission
from pipeline.launch.state.history import log_of
from pipeline.records.manifest import Manifest
from pipeline.records.store import write_outcomes, write_records

MAX_ARRAY_SIZE = 1001
"""SLURM's own default; the largest index is one less."""
MOST_QUEUED = 100
"""Elements of arrays that a user may have, those that run included: MaxSubmitJobs of an association."""
STARTUP_SECONDS = 60.0
"""From the start of a job to its first update, on a slow file system."""
CHECKPOINT_SECONDS = 30.0

HEADING = "JOBID|STATE|NAME|REASON"
DOWN = "Unable to contact slurm controller (connect failure)"
SBATCH = f"""#!/bin/bash
cd {{folder}}
if [[ -e down ]]; then echo "sbatch: error: Batch job submission failed: {DOWN}" >&2; exit 1; fi
script=$(<"$1")
[[ $script =~ --array=0-([0-9]+) ]] && last=${{{{BASH_REMATCH[1]}}}} || last=
[[ $script =~ --job-name=([A-Za-z0-9-]+) ]] && name=${{{{BASH_REMATCH[1]}}}}
[[ $script =~ --time=([0-9]+) ]] && minutes=${{{{BASH_REMATCH[1]}}}}
if (( last >= {MAX_ARRAY_SIZE} )); then
  echo "sbatch: error: Batch job submission failed: Invalid job array specification" >&2; exit 1
fi
if (( $(wc -l <queue) + last > {MOST_QUEUED} )); then
  echo "sbatch: error: AssocMaxSubmitJobLimit" >&2
  echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit)" >&2; exit 1
fi
number=$(( $(wc -l <sent) + 1 ))
echo "$number $name $minutes $last" >>sent
for index in $(seq 0 "${{{{last:-0}}}}"); do echo "$number${{{{last:+_$index}}}}|PENDING|$name|Priority"; done >>queue
if [[ -e deaf ]]; then
  rm deaf
  echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1
fi
echo "Submitted batch job $number"
"""
SQUEUE = f"""#!/bin/bash
cd {{folder}}
if [[ -e down ]]; then echo "slurm_load_jobs error: {DOWN}" >&2; exit 1; fi
cat queue
"""
KILLS = (
    "slurmstepd: error: *** JOB {job} ON node7 CANCELLED AT 2026-11-30T12:00:00 DUE TO NODE FAILURE ***",
    "slurmstepd: error: *** JOB {job} ON node7 CANCELLED AT 2026-11-30T12:00:00 DUE TO PREEMPTION ***",
    "slurmstepd: error: Detected 1 oom_kill event in StepId={job}.0. Some of the step tasks have been OOM Killed.",
    "",
)
"""What is left in the log of a job that is killed; of some there is no word."""


@dataclass
class Element:
    """An element of an array: a job of its own to the scheduler.

    Args:
        id: As squeue prints it.
        name: Name of the job.
        index: In its array.
        minutes: Walltime.
    """

    id: str
    name: str
    index: int
    minutes: int
    attempt: Attempt | None = None
    pack: str = ""
    began_pack: float = math.inf
    ends: float = math.inf
    kill: str | None = None
    over: bool = False


@dataclass
class VirtualSlurm:
    """A cluster of GPUs, and the jobs that one run has there.

    Args:
        folder: Where the commands and their state lie.
        run: Folder of the run.
        gpus: How many; a job takes one.
        seconds: What training a pack takes, by its workload.
        manifest: The packs of the run as they are now.
        killed: Fraction of the jobs that are killed.
        outage: When the controller goes away, in seconds from the beginning, and for how long.
        seed: Of what is killed when.
    """

    folder: Path
    run: Path
    gpus: int
    seconds: Callable[[Workload], float]
    manifest: Callable[[], Manifest]
    killed: float
    outage: tuple[float, float]
    seed: int = 0
    began: float = field(default_factory=time.time)
    pending: list[Element] = field(default_factory=list)
    running: dict[str, Element] = field(default_factory=dict)
    events: list[tuple[float, int, str, Element]] = field(default_factory=list)
    done_seconds: dict[str, float] = field(default_factory=dict)
    kills: int = 0
    started: int = 0
    last_finished: float = 0.0

    def __post_init__(self) -> None:
        self.now = self.began
        self.chance = random.Random(self.seed)
        self.workloads: Mapping[str, Workload] = {}
        self.notes: dict[str, Submission] = {}
        self.counter = itertools.count()
        self.finished: set[str] = set()
        self.training: set[str] = set()  # what is locked
        self.known_sent = 0
        self.folder.mkdir()
        (self.folder / "queue").write_text(f"{HEADING}\n")
        (self.folder / "sent").write_text("")
        for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE), ("srun", "#!/bin/bash\n")):
            (self.folder / name).write_text(text.format(folder=self.folder))
            (self.folder / name).chmod(0o755)
        self._at(self.outage[0], "down", Element("", "", 0, 0))
        self._at(sum(self.outage), "up", Element("", "", 0, 0))

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the commands on the PATH, and the clock in place of the real one."""
        monkeypatch.setenv("PATH", f"{self.folder}:{os.environ['PATH']}")
        monkeypatch.setattr(time, "time", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.advance)

    def lose_the_next_answer(self) -> None:
        """Take the next jobs, and answer that time was up."""
        (self.folder / "deaf").touch()

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        self._receive()
        return not self.pending and not self.running

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._receive()
        until = self.now + seconds
        self._start()
        while self.events and self.events[0][0] <= until:
            self.now, _, what, element = heapq.heappop(self.events)
            if not element.over:
                getattr(self, f"_{what}")(element)
                self._start()
        self.now = until
        rows = [f"{one.id}|RUNNING|{one.name}|None" for one in self.running.values()]
        rows += [f"{one.id}|PENDING|{one.name}|Priority" for one in self.pending]
        (self.folder / "queue").write_text("".join(f"{row}\n" for row in (HEADING, *rows)))

    def _receive(self) -> None:
        """Take what sbatch has written down."""
        lines = (self.folder / "sent").read_text().splitlines()
        for line in lines[self.known_sent :]:
            number, name, minutes, *last = line.split()
            ids = [f"{number}_{index}" for index in range(int(last[0]) + 1)] if last else [number]
            self.pending += [Element(id_, name, index, int(minutes)) for index, id_ in enumerate(ids)]
        self.known_sent = len(lines)

    def _at(self, seconds: float, what: str, element: Element) -> None:
        heapq.heappush(self.events, (self.now + seconds, next(self.counter), what, element))

    def _down(self, _: Element) -> None:
        (self.folder / "down").touch()

    def _up(self, _: Element) -> None:
        (self.folder / "down").unlink()

    def _start(self) -> None:
        """Give GPUs that are free to what waits, unless the controller is away."""
        while self.pending and len(self.running) < self.gpus and not (self.folder / "down").exists():
            self._begin(self.pending.pop(0))

    def _begin(self, element: Element) -> None:
        self.started += 1
        self.running[element.id] = element
        own = [pack for pack in self._note(element).tasks[element.index] if pack not in self.finished]
        if not own:  # a worker that finds nothing to do
            (log_of(self.run, element.name, element.id, 0).parent / f"{element.id}_0_result.pkl").touch()
            self._at(STARTUP_SECONDS, "end", element)
            return
        number = next_number(self.run, element.name, element.index, 0)
        element.attempt = Attempt(element.name, element.index, 0, number, element.id, self.now, host="node7")
        write_attempt(self.run, element.attempt)
        log = log_of(self.run, element.name, element.id, 0)
        log.write_text(f"{heading(element.attempt)}\n")
        expected = STARTUP_SECONDS + sum(map(self._left, own))
        element.ends = self.now + 60 * element.minutes - self._note(element).margin_seconds
        if self.chance.random() < self.killed:
            element.kill = self.chance.choice(KILLS)
            self._at(self.chance.random() * expected, "kill", element)
        self._at(STARTUP_SECONDS, "next", element)

    def _next(self, element: Element) -> None:
        """Begin the next pack: one of its own or, as a worker does, of those that have more than it; or end."""
        assert element.attempt is not None
        note = self._note(element)
        own = [pack for pack in note.tasks[element.index] if pack not in self.training | self.finished]
        seconds = element.ends - self.now
        pack = own[0] if own else pack_to_help_with(self.run, note, element.index, seconds, self.training)
        if pack is None:
            self._end(element, "finished")
            return
        self.training.add(pack)
        element.pack = pack
        element.attempt = dataclasses.replace(element.attempt, pack=pack, ready_at=self.now)
        write_attempt(self.run, element.attempt)
        element.began_pack = self.now
        left = self._left(pack)
        if self.now + left > element.ends:
            self._at(max(0.0, element.ends - self.now), "stop", element)
        else:
            self._at(left, "finish", element)

    def _finish(self, element: Element) -> None:
        workload = self._workload(element.pack)
        assert element.attempt is not None
        records, outcomes = tables(workload, self.seconds(workload), element)
        write_records(self.run, workload.pack, 0, records)
        write_outcomes(self.run, workload.pack, outcomes)
        self.finished.add(element.pack)
        self.training.remove(element.pack)
        self.last_finished, element.pack = self.now, ""
        self._next(element)

    def _stop(self, element: Element) -> None:
        self._keep(element)
        self._end(element, "deadline")

    def _kill(self, element: Element) -> None:
        self.kills += 1
        self._keep(element)
        with log_of(self.run, element.name, element.id, 0).open("a") as log:
            log.write((element.kill or "").format(job=element.id) + "\n")
        self._release(element)

    def _end(self, element: Element, end: str = "finished") -> None:
        if element.attempt is not None:
            write_attempt(self.run, dataclasses.replace(element.attempt, ended_at=self.now, end=end))
        self._release(element)

    def _release(self, element: Element) -> None:
        element.over = True
        del self.running[element.id]

    def _keep(self, element: Element) -> None:
        """Keep what has been trained of a pack until its last checkpoint."""
        if element.pack:
            trained = CHECKPOINT_SECONDS * ((self.now - element.began_pack) // CHECKPOINT_SECONDS)
            self.done_seconds[element.pack] = self.done_seconds.get(element.pack, 0.0) + trained
            self.training.remove(element.pack)

    def _left(self, pack: str) -> float:
        return self.seconds(self._workload(pack)) - self.done_seconds.get(pack, 0.0)

    def _workload(self, pack: str) -> Workload:
        if pack not in self.workloads:
            self.workloads = self.manifest().workloads
        return self.workloads[pack]

    def _note(self, element: Element) -> Submission:
        if element.name not in self.notes:
            self.notes[element.name] = read_submission(self.run, element.name)
        return self.notes[element.name]


def tables(workload: Workload, seconds: float, element: Element) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Records and outcomes of a pack that was trained, two numbers a trial."""
    assert element.attempt is not None
    trials = pl.DataFrame({"trial": workload.trials}).with_columns(pack=pl.lit(workload.pack))
    steps: Sequence[int] = (0, workload.requirements.steps)
    number = pl.col("trial").str.slice(0, 8).str.to_integer(base=16) / 2.0**32
    records = pl.concat(
        trials.with_columns(step=pl.lit(step), diagnostic=pl.lit("loss"), value=number / (1 + step)) for step in steps
    )
    outcomes = trials.with_columns(
        status=pl.lit("done"), step=pl.lit(steps[-1]), reason=pl.lit(""), learning_rate=pl.lit(0.1),
        seconds=pl.lit(seconds / len(workload.trials)), engine=pl.lit("fused"), device=pl.lit("virtual"),
        host=pl.lit("node7"), version=pl.lit(""), job=pl.lit(element.id), attempt=pl.lit(element.attempt.number),
        code=pl.lit(""), numerics=pl.lit(""), run=pl.lit(""),
    )  # fmt: skip
    return records, outcomes
