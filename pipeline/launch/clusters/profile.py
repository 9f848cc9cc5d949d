"""The profile of a cluster: everything that is known about it, in one YAML file in ``slurm/``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import FieldError, nearest
from pipeline.experiment.wandb_tracking import NAMES, is_name
from pipeline.launch.clusters.extra_options import check_options
from pipeline.launch.clusters.placeholders import check_placeholders
from pipeline.launch.clusters.queues import Charging, GpuType, Node, WalltimeTier

PLACED = ("folder", "project", "python", "setup", "options", "slurm_conf")
"""Fields whose placeholders are filled in."""


@dataclass(frozen=True)
class Profile:
    """The profile of a cluster: how a job is requested, what its queues allow, and where files lie.

    ``{user}``, ``{home}``, ``{project}``, ``{account}`` and ``{checkout}``, where this project
    lies, are filled in in ``folder``, ``project``, ``python``, ``setup``, ``options`` and ``slurm_conf``.

    Args:
        description: One sentence.
        scheduler: What runs jobs there; ``local`` is processes of this machine, ``debug`` this very process.
        folder: Where runs are kept: a file system that every node sees.
        contact: Page or address of those who run the cluster.
        checked: Date on which the values below were looked up.
        one_machine: Whether jobs run on the machine they are sent from, so that any folder will do.
        node_local: Folders beside ``/tmp`` that each node has for itself.
        queue: Queue or partition to stay in; none: the first tier that fits.
        account: Account to charge (SLURM).
        project: Project to charge (PBS).
        qos: Quality of service (SLURM).
        needs: Fields that a person has to give.
        gpus: GPUs of one job on one node, a worker each; 0 for a job on processors.
        gpu_type: Name of the GPU as the scheduler has it.
        gpu_types: The GPUs to choose from, where nodes differ.
        cpus: Processors for each GPU, or of a job without GPUs; none where the site fills it in.
        memory_gib: Memory for each GPU, or of a job without GPUs; none where the site fills it in.
        node: What a node has; none where nodes differ.
        bands: Walltimes by queue and size, the shortest first.
        walltime_minutes: Walltime of a job; none: from the estimate.
        job_minutes: How long a job is meant to take; longer sweeps are spread over more jobs.
        max_array: Tasks of one array.
        max_jobs: Jobs of one user, queued and running, array tasks counted; none where it is not known.
        max_running: Tasks of an array that run at a time; none: what the tier says.
        charging: What it costs.
        python: Command that starts Python in a job, such as a container's; none: the interpreter that submits.
        setup: Shell lines before it.
        keep_env: Variables of a job that stay as the site has set them, into a container too.
        exclude: Nodes to stay away from (SLURM).
        chunk: More resources of each chunk of a ``select``, such as ``container_engine=enroot`` (PBS).
        options: More options of ``sbatch`` or ``qsub``, word for word, such as ``-l container_image=...``.
        requeue: Whether a job that stops at its time limit queues itself again; PBS has no such thing.
        stop_margin_seconds: How long before its time limit a worker stops.
        history_hours: How long the scheduler remembers jobs; none where it is not known.
        wandb: Whether jobs reach the internet, and export to W&B as packs finish.
        wandb_entity: User or team on W&B; none: that of the experiment, the environment or the key.
        wandb_project: Project on W&B; none: that of the experiment or the environment.
        slurm_conf: Configuration of a SLURM that is not the machine's own.
        note: What a person should know before the first submit.
    """

    description: str
    scheduler: Literal["slurm", "pbs", "local", "debug"]
    folder: str
    contact: str = ""
    checked: str = ""
    one_machine: bool = False
    node_local: tuple[str, ...] = ()
    queue: str | None = None
    account: str | None = None
    project: str | None = None
    qos: str | None = None
    needs: tuple[str, ...] = ()
    gpus: int = 1
    gpu_type: str | None = None
    gpu_types: tuple[GpuType, ...] = ()
    cpus: int | None = None
    memory_gib: float | None = None
    node: Node | None = None
    bands: tuple[WalltimeTier, ...] = ()
    walltime_minutes: int | None = None
    job_minutes: float = 60.0
    max_array: int = 1000
    max_jobs: int | None = None
    max_running: int | None = None
    charging: Charging = Charging()
    python: str | None = None
    setup: tuple[str, ...] = ()
    keep_env: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    chunk: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    requeue: bool = False
    stop_margin_seconds: float = 180.0
    history_hours: float | None = None
    wandb: Literal["online", "offline"] = "offline"
    wandb_entity: str | None = None
    wandb_project: str | None = None
    slurm_conf: str | None = None
    note: str = ""

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_texts()
        self._check_gpus()
        queue = self.queue or any(tier.queue for tier in self.bands)
        said = {"queue": queue, "account": self.account, "qos": self.qos, "exclude": self.exclude}
        check_options(self.options, self.scheduler, said)
        if self.walltime_minutes is not None and self.on_cluster:
            self.tier(self.walltime_minutes)

    def _check_numbers(self) -> None:
        for field, least in (
            ("gpus", 0),
            ("cpus", 1),
            ("walltime_minutes", 1),
            ("max_array", 1),
            ("max_jobs", 1),
            ("max_running", 1),
        ):
            value = getattr(self, field)
            if value is not None and value < least:
                raise FieldError((field,), f"{field} must be at least {least}, not {value!r}", hint=f"from {least}")
        for field in ("memory_gib", "job_minutes", "stop_margin_seconds", "history_hours"):
            value = getattr(self, field)
            if value is not None and not value > 0:
                raise FieldError((field,), f"{field} must be positive, not {value!r}", hint="take a number above 0")

    def _check_texts(self) -> None:
        self._check_needs(("needs",), self.needs)
        for position, tier in enumerate(self.bands):
            self._check_needs(("bands", position, "needs"), tier.needs)
        if self.on_cluster and not self.bands:
            raise FieldError((), "no bands of walltime are given", hint="write bands: [{hours: 24}]")
        for field in ("project", "entity"):
            name = getattr(self, f"wandb_{field}")
            if name is not None and not is_name(name):
                raise FieldError((f"wandb_{field}",), f"W&B has no {field} named {name!r}", hint=NAMES)
        for field in PLACED:
            value = getattr(self, field)
            for text in value if isinstance(value, tuple) else (value,):
                check_placeholders(field, text)

    def _check_needs(self, path: tuple[str | int, ...], needs: tuple[str, ...]) -> None:
        known = [field.name for field in dataclasses.fields(self)]
        for position, name in enumerate(needs):
            if name not in known:
                raise FieldError((*path, position), f"a profile has no field {name!r}", hint=nearest(name, known))

    def _check_gpus(self) -> None:
        types = [gpu.name for gpu in self.gpu_types]
        if self.gpus and types and self.gpu_type not in types:
            what = f"unknown GPU {self.gpu_type!r}" if self.gpu_type else "it is not said which GPUs"
            raise FieldError(("gpu_type",), what, hint=nearest(self.gpu_type or "", types))
        most = self.gpus_of_node
        if most is not None and self.gpus > most:
            what = f"{self.gpus} GPUs are more than the {most} of a node"
            raise FieldError(("gpus",), what, hint=f"take at most {most}, and more jobs")

    @property
    def on_cluster(self) -> bool:
        """Whether jobs wait in the queue of a scheduler."""
        return self.scheduler in ("slurm", "pbs")

    @property
    def gpus_of_node(self) -> int | None:
        """GPUs of one node, of the type that is asked for; none where it is not known."""
        for gpu in self.gpu_types:
            if gpu.name == self.gpu_type:
                return gpu.per_node
        return None if self.node is None else self.node.gpus

    def tier(self, minutes: float, nodes: int = 1) -> WalltimeTier:
        """The shortest tier that allows a walltime to jobs of this size.

        Args:
            minutes: Walltime.
            nodes: Nodes of a job, each with ``gpus``.

        Returns:
            Of the tiers that are long enough the shortest.

        Raises:
            FieldError: If none does, naming the longest.
        """
        bands = self.tiers_of_size(nodes)
        for tier in bands:
            if minutes <= tier.hours * 60:
                return tier
        longest = max(bands, key=lambda tier: tier.hours)
        where = f" of {longest.queue}" if longest.queue else ""
        raise FieldError(
            ("walltime_minutes",),
            f"a walltime of {minutes:g} minutes is above the {longest.hours:g} hours{where}",
            hint=f"take at most {longest.hours * 60:g}, and what is not finished goes on in the next job (--chain)"
            + self._longer_elsewhere(minutes, nodes),
        )

    def _longer_elsewhere(self, minutes: float, nodes: int) -> str:
        """The end of a hint: another queue that allows the walltime."""
        for tier in self.bands:
            if tier.queue and tier.hours * 60 >= minutes and tier.takes(self.gpus * nodes) and self._has_gpu(tier):
                return f"; or queue={tier.queue}, which grants {tier.hours:g} hours"
        return ""

    def tiers_of_size(self, nodes: int = 1) -> tuple[WalltimeTier, ...]:
        """The bands open to jobs with this many GPUs in the queue that was asked for, the shortest first.

        Args:
            nodes: Nodes of a job, each with ``gpus``.

        Returns:
            One or more tiers.

        Raises:
            FieldError: If there are none.
        """
        in_queue = [tier for tier in self.bands if self.queue is None or tier.queue in (None, self.queue)]
        if not in_queue:
            queues = sorted({tier.queue for tier in self.bands if tier.queue})
            what = f"the bands do not name the queue {self.queue!r}"
            raise FieldError(("queue",), what, hint=f"{nearest(self.queue or '', queues)}; or add a band for it")
        having = [tier for tier in in_queue if self._has_gpu(tier)]
        if not having:
            queues = sorted({tier.queue for tier in self.bands if tier.queue and self._has_gpu(tier)})
            what = f"{self.queue} has no {self.gpu_type}"
            raise FieldError(("gpu_type",), what, hint=f"it is in {', '.join(queues)}")
        fitting = [tier for tier in having if tier.takes(self.gpus * nodes)]
        if not fitting:
            sizes = ", ".join(f"{tier.gpus[0]} to {tier.gpus[1]} in {tier.queue or 'any queue'}" for tier in having)
            what = (
                f"no queue takes jobs of {self.gpus * nodes} GPUs" if self.gpus else "no queue takes jobs without a GPU"
            )
            raise FieldError(("gpus",), what, hint=f"GPUs of a job: {sizes}")
        return tuple(sorted(fitting, key=lambda tier: tier.hours))

    def _has_gpu(self, tier: WalltimeTier) -> bool:
        """Whether a queue has the GPUs that are asked for."""
        having = [gpu.queues for gpu in self.gpu_types if gpu.name == self.gpu_type and self.gpus]
        return not having or not having[0] or tier.queue in having[0]

    def needed(self) -> tuple[str, ...]:
        """Fields that a person has to give: for the cluster, and for every queue that is left to choose from."""
        bands = self.tiers_of_size() if self.bands else ()
        everywhere = [name for name in bands[0].needs if all(name in tier.needs for tier in bands)] if bands else []
        return tuple(dict.fromkeys((*self.needs, *everywhere)))

    def cost(self, hours: float, tier: WalltimeTier, nodes: int = 1) -> dict[str, float]:
        """The cost of one job that runs for some hours in a tier.

        Args:
            hours: How long the job runs.
            tier: The walltime tier that it is in.
            nodes: Nodes of the job, each with ``gpus``.

        Returns:
            The amount of each unit that the site counts.
        """
        charging, cpus = self.charging, self.cpus or 0
        cpu_unit = charging.cpu_unit or charging.unit
        units = {charging.unit if self.gpus else cpu_unit: 0.0}
        if self.gpus:
            prices = [gpu.per_hour for gpu in self.gpu_types if gpu.name == self.gpu_type and gpu.per_hour is not None]
            units[charging.unit] = self.gpus * (prices[0] if prices else charging.per_gpu_hour)
        if charging.cpus_beside_gpus or not self.gpus:
            units[cpu_unit] = units.get(cpu_unit, 0.0) + cpus * self.workers * charging.per_cpu_hour
        return {unit: amount * hours * nodes * tier.factor for unit, amount in units.items()}

    @property
    def workers(self) -> int:
        """Processes of one job that train: one for each GPU."""
        return max(1, self.gpus)

    @property
    def memory_gib_of_job(self) -> float | None:
        """Memory of one job on one node."""
        return None if self.memory_gib is None else self.memory_gib * self.workers
