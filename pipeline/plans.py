"""Plans: the trials of an experiment in packs, written down before anything is trained."""

from __future__ import annotations

import functools
import itertools
import json
import reprlib
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import __version__, config, provenance
from pipeline.definitions import canonical, definitions_within
from pipeline.errors import PipelineError, number_of, reason_of
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.identity import HOW_IT_RUNS
from pipeline.experiment.packing import Pack, make_pack, packs
from pipeline.experiment.resources import requirements_of
from pipeline.experiment.trial import Trial
from pipeline.experiment.workload import Workload
from pipeline.extensions.copies import copies_folder, copies_for
from pipeline.records.atomic_writes import creating, replacing
from pipeline.records.manifest import Manifest, digest
from pipeline.records.packs import read_packs, refined


@dataclass(frozen=True, repr=False)
class Plan:
    """An experiment and its trials in packs.

    Args:
        name: Name of the configuration.
        experiment: As the configuration says, with all its defaults.
        packs: Every trial, in the order of training.
    """

    name: str
    experiment: Experiment
    packs: tuple[Pack, ...]

    def __repr__(self) -> str:
        """What Python and a notebook show of it, which may have a million trials."""
        return f"<plan {self.name!r}: {number_of(self.num_trials, 'trial')} in {number_of(len(self.packs), 'pack')}>"

    @property
    def folder_name(self) -> str:
        """Name of the run's folder: the configuration's name, and the first 10 digits of the experiment's identity."""
        return f"{self.name}-{self.experiment.identity()[:10]}"

    @functools.cached_property
    def trials(self) -> Mapping[str, Trial]:
        """Every trial by id, in the order of training."""
        return {trial.id: trial for pack in self.packs for trial in pack.trials}

    @property
    def num_trials(self) -> int:
        """Trials of all packs, counted without a table of them."""
        return sum(len(pack.trials) for pack in self.packs)

    @functools.cached_property
    def manifest(self) -> Manifest:
        """The manifest of the plan: its trials by id, and what each pack requires; all that is needed to send it."""
        requirements = requirements_of((pack.shape for pack in self.packs), self.experiment)
        workloads = [
            Workload(pack.id, tuple(trial.id for trial in pack.trials), requirements[pack.shape]) for pack in self.packs
        ]
        how = {field: canonical(getattr(self.experiment, field)) for field in HOW_IT_RUNS}
        every = {requirements.steps for requirements in requirements.values()}
        recorded_steps = max(len(self.experiment.recorded_steps(steps)) for steps in every)
        return Manifest({workload.pack: workload for workload in workloads}, recorded_steps, how)

    def run_as(self, experiment: Experiment) -> Plan:
        """The same trials in the same packs, computed as another experiment says.

        Args:
            experiment: One that differs in device, engine, checkpoints, tracking, or the path of a table only.

        Returns:
            The new plan, of the same packs by id.
        """
        if experiment == self.experiment:
            return self
        trials = _by_id(experiment, len(self.trials))
        return Plan(
            self.name,
            experiment,
            tuple(make_pack(tuple(trials[trial.id] for trial in pack.trials)) for pack in self.packs),
        )

    @property
    def trial_steps(self) -> int:
        """Updates of all trials together."""
        return sum(pack.trial_steps for pack in self.packs)


def make_plan(name: str, experiment: Experiment) -> Plan:
    """Lay out all trials of an experiment in packs.

    Args:
        name: Name of the configuration.
        experiment: What to train.

    Returns:
        The plan, not yet on disk.

    Raises:
        FieldError: If one trial alone needs more memory than a pack may.
        PipelineError: If a definition of an extension does not hold what training takes for granted.
    """
    if experiment.use:
        from pipeline.claims.kinds import try_out  # takes seconds

        try_out(experiment)
    return Plan(name, experiment, tuple(packs(experiment.trials(), experiment.pack_memory_gib)))


def with_packs_apart(plan: Plan, trials: Container[str]) -> Plan:
    """The same trials in packs of which none holds both some of those that are named and some others.

    Args:
        plan: One that is not on disk yet.
        trials: Ids of trials, such as those that other runs have finished.

    Returns:
        The plan, in each shape those named first.
    """
    apart: list[Pack] = []
    for _, group in itertools.groupby(plan.packs, key=lambda pack: pack.shape):
        whole = list(group)
        members = [trial for pack in whole for trial in pack.trials]
        named, others = ([trial for trial in members if (trial.id in trials) is there] for there in (True, False))
        apart += whole if not named or not others else (*_packed(named, plan), *_packed(others, plan))
    return Plan(plan.name, plan.experiment, tuple(apart))


def _packed(trials: list[Trial], plan: Plan) -> Iterator[Pack]:
    return packs(trials, plan.experiment.pack_memory_gib)


def write_plan(plan: Plan, run: Path) -> Plan:
    """Write ``plan.json`` into a run's folder; one that is there already stays, for a plan does not change.

    Args:
        plan: The plan.
        run: The folder, made if it is not there.

    Returns:
        The plan that the folder has: of two that are written at once, with packs of their own, the same for both.

    Raises:
        PipelineError: If it has a definition that is neither built in nor in a file or package that it uses.
    """
    path = run / "plan.json"
    if not path.exists():
        with suppress(FileExistsError):
            _write(plan, path)
            return plan
    same = list(read_packs(run)) == [pack.id for pack in plan.packs]
    return plan if same else read_plan(run).run_as(plan.experiment)


def _write(plan: Plan, path: Path) -> None:
    _check_sources(plan.experiment)
    content = {
        "version": __version__,
        "provenance": provenance.provenance(),
        "name": plan.name,
        "experiment": canonical(plan.experiment),
        "observed": plan.experiment.observed(),
        **plan.manifest.as_json(),
    }
    content["digest"] = digest(content)
    run = path.parent
    run.mkdir(parents=True, exist_ok=True)
    for name, source in copies_for(plan.experiment.use).items():  # before the plan, which nobody reads without them
        copies_folder(run).mkdir(exist_ok=True)
        with replacing(copies_folder(run) / name) as part:
            part.write_bytes(source)
    with creating(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n")


def _check_sources(experiment: Experiment) -> None:
    """Refuse a class that was defined in a notebook or a program: nobody could read the plan, and no id has its source.

    Raises:
        PipelineError: If there is one.
    """
    for definition in definitions_within(experiment):
        kind = type(definition)
        if not definition.code_sha256 and not kind.__module__.startswith("pipeline."):
            what = f"{kind.__name__} is defined in {kind.__module__}, whose source no plan can keep"
            raise PipelineError(what, hint="write it into a file, and name that under use")


def read_plan(run: Path) -> Plan:
    """Read the plan of a run's folder.

    Returns:
        The plan, packs that were halved replaced by their halves.

    Raises:
        PipelineError: If there is none, it cannot be read or was damaged, or its trials are not those this version
            makes of its experiment.
    """
    path = run / "plan.json"
    try:
        content = json.loads(path.read_bytes())
        name, version = _text(content["name"]), _text(content["version"])
        written_experiment = content["experiment"]
        listed = [(_text(pack["id"]), tuple(_text(id_) for id_ in pack["trials"])) for pack in content["packs"]]
    except (FileNotFoundError, NotADirectoryError):
        raise PipelineError(
            f"{str(run)!r} is not the folder of a run", where=str(path), hint="expected plan.json there"
        ) from None
    except OSError as error:
        raise PipelineError(
            f"cannot be read: {reason_of(error)}", where=str(path), hint="look at its permissions and its disk"
        ) from None
    except KeyError as error:
        raise PipelineError(f"not a plan: {error} is missing", where=str(path), hint=_DAMAGED) from None
    except (ValueError, TypeError, RecursionError) as error:
        raise PipelineError(f"not a plan: {error}", where=str(path), hint=_DAMAGED) from None
    with config.kept_copies(copies_folder(run)):
        experiment = config.read_canonical(written_experiment, Experiment, where=str(path))
    # An id is the hash of all a trial is, so comparing ids tells whether this version means the same by the experiment.
    members = list(itertools.chain.from_iterable(ids for _, ids in listed))
    trials = _in_order(experiment, members)
    if trials is None:
        raise PipelineError(
            f"version {__version__} makes other trials of this experiment than version {version} did",
            where=str(path),
            hint="run the configuration again: it gets a folder of its own",
        )
    left, parts = iter(trials), refined(run, dict(listed))
    whole = [_pack(id_, list(itertools.islice(left, len(ids))), path) for id_, ids in listed]
    if len(parts) != len(whole):
        left = iter(trials)
        whole = [make_pack(tuple(itertools.islice(left, len(ids)))) for ids in parts.values()]
    return Plan(name, experiment, tuple(whole))


def _in_order(experiment: Experiment, ids: list[str]) -> list[Trial] | None:
    """The trials of an experiment in the order of their ids in a plan; ``None`` if these are not its trials."""
    trials = list(experiment.trials())
    if [trial.id for trial in trials] == ids:  # as this version orders them: no table and no sorting of a million
        return trials
    by_id = _by_id(experiment, len(ids))
    return [by_id[id_] for id_ in ids] if sorted(ids) == sorted(by_id) else None


def _by_id(experiment: Experiment, number: int) -> dict[str, Trial]:
    """Trials of an experiment by id; with copies that differ in the seed only, where a plan of an older version has."""
    trials = {trial.id: trial for trial in experiment.trials()}
    return trials if len(trials) >= number else {trial.id: trial for trial in experiment.trials(copies=True)}


_DAMAGED = "the file was damaged; run the configuration again into another --out"


def read_provenance(run: Path) -> dict[str, Any]:
    """Provenance of the plan in a run's folder, as ``provenance.provenance`` gave it; empty where the file has none.

    Args:
        run: The folder of a run with a plan.

    Returns:
        Plain JSON types.
    """
    content = json.loads((run / "plan.json").read_bytes())
    said = content.get("provenance")
    return said if isinstance(said, dict) else {}


def read_diagnostics(run: Path) -> set[str]:
    """Names of the diagnostics that a run records; its experiment is not made, so that no code of its own is run.

    Args:
        run: The folder of a run with a plan.

    Returns:
        Names as of YAML.

    Raises:
        PipelineError: If the plan was damaged.
    """
    try:
        observed = json.loads((run / "plan.json").read_bytes())["observed"]["diagnostics"]
        return {name for one in observed for name in one}
    except (OSError, ValueError, LookupError, TypeError):  # of an earlier version, or damaged
        return {diagnostic.name() for diagnostic in read_plan(run).experiment.diagnostics}


def _pack(listed: str, trials: list[Trial], path: Path) -> Pack:
    """The pack of these trials, if it is the one that the file lists."""
    if trials:
        pack = make_pack(tuple(trials))
        if pack.id == listed:
            return pack
    raise PipelineError(
        f"not a plan: pack {listed!r} does not hold the trials it was made of", where=str(path), hint=_DAMAGED
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{reprlib.repr(value)} is not a text")
    return value
