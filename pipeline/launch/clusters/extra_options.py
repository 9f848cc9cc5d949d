"""Extra options of ``sbatch`` and ``qsub``: those that a profile names are passed on word for word.

Of an option that comes twice both commands take one, without a word. So what this project
asks for itself, or the profile says in a field, or an option has said before, is refused.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.errors import FieldError

LONG_NAMES = {
    **{"A": "account", "B": "extra-node-info", "C": "constraint", "D": "chdir", "F": "nodefile", "G": "gpus"},
    **{"H": "hold", "J": "job-name", "L": "licenses", "M": "clusters", "N": "nodes", "O": "overcommit", "Q": "quiet"},
    **{"S": "core-spec", "V": "version", "W": "wait", "a": "array", "b": "begin", "c": "cpus-per-task"},
    **{"d": "dependency", "e": "error", "h": "help", "i": "input", "k": "no-kill", "m": "distribution", "n": "ntasks"},
    **{"o": "output", "p": "partition", "q": "qos", "s": "oversubscribe", "t": "time", "v": "verbose", "w": "nodelist"},
    "x": "exclude",
}
"""The short options of sbatch 22.05 to 25.05, and what each is in full."""
SBATCH_FLAGS = "HOQVWhksv"
"""Short options of sbatch that take no value."""
QSUB_FLAGS = "GIVXfhz"
"""Options of qsub that take no value (OpenPBS 23.06)."""

GPUS, CPUS = "cluster.gpus and cluster.gpu_type ask for GPUs", "cluster.cpus asks for processors"
MEMORY, PROCESSES = "cluster.memory_gib asks for memory", "workers are one for each of cluster.gpus; see parallel too"
LOGS, NAMES = "`logs` shows what jobs have written, in the folder of the run", "jobs are found by their names"
ARRAYS, MINUTES = "cluster.max_array and cluster.max_running shape arrays", "cluster.walltime_minutes is the walltime"
CHAIN, AT_ONCE = "--chain sends jobs that wait for others", "submit returns as soon as the jobs are sent"
UNSENT = "with it nothing would be sent; --dry-run shows what would be"
QUEUED_AGAIN = "cluster.requeue says whether jobs queue themselves again"
CLUSTERS = "export SLURM_CLUSTERS=NAME before submit; the run remembers where its jobs are"

OWN_OF_SBATCH = {
    **dict.fromkeys(("gpus", "gpus-per-node", "gpus-per-socket", "gpus-per-task", "tres-per-task"), GPUS),
    **dict.fromkeys(("cpus-per-task", "cpus-per-gpu"), CPUS),
    **dict.fromkeys(("mem", "mem-per-cpu", "mem-per-gpu"), MEMORY),
    **dict.fromkeys(("nodes", "ntasks", "ntasks-per-node", "ntasks-per-gpu", "ntasks-per-core"), PROCESSES),
    **dict.fromkeys(("ntasks-per-socket",), PROCESSES),
    **dict.fromkeys(("output", "error", "open-mode"), LOGS),
    **dict.fromkeys(("time", "time-min"), MINUTES),
    **dict.fromkeys(("requeue", "no-requeue"), QUEUED_AGAIN),
    **dict.fromkeys(("test-only", "help", "usage", "version"), UNSENT),
    "array": ARRAYS,
    "clusters": CLUSTERS,
    "dependency": CHAIN,
    "job-name": NAMES,
    "quiet": "jobs are known by the id that sbatch prints",
    "signal": "cluster.stop_margin_seconds says how long before the walltime a job is told",
    "wait": AT_ONCE,
    "wrap": "jobs run the workers of this project",
}
"""Options of sbatch that this project gives itself or cannot do with, and what to say instead."""
OWN_OF_QSUB = {
    **dict.fromkeys(("-l select", "-l nodes", "-l ncpus", "-l mpiprocs", "-l nodect"), f"{CPUS}; cluster.chunk adds"),
    "-l ngpus": GPUS,
    "-l mem": MEMORY,
    "-l walltime": MINUTES,
    "-J": ARRAYS,
    "-N": NAMES,
    **dict.fromkeys(("-e", "-j", "-o"), LOGS),
    "-P": "cluster.project is charged",
    "-q": "cluster.queue is the queue",
    "-r": "jobs are sent as ones that may be run again after a node has failed",
    "-W depend": CHAIN,
    "-W block": AT_ONCE,
    "-W umask": "files of a run can be read by all; take a folder that others cannot enter",
    **dict.fromkeys(("-I", "-X", "-G"), "jobs run without a terminal"),
    "-C": "what a job asks for is in the command",
    "-z": "jobs are known by the id that qsub prints",
}
"""Options of qsub that this project gives itself or cannot do with, and what to say instead."""
OF_FIELDS = {"partition": "queue", "account": "account", "qos": "qos", "exclude": "exclude"}
"""Options of sbatch that stand for a field of a profile."""
REPEATED = {"verbose"}
"""Options that mean more the more often they come."""
LISTS = {"exclude", "export", "gres", "licenses", "mail-type", "nodelist", "partition", "-M", "-v"}
"""Options whose values can be written one after the other, with commas between."""


@dataclass(frozen=True)
class Option:
    """One option.

    Args:
        name: Its full name for sbatch, its letter for qsub; of ``-l`` and ``-W`` with what it sets.
        written: Its name as it was written, with its dashes.
        value: Its value; none of a flag.
    """

    name: str
    written: str
    value: str | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """As it is handed on."""
        if self.value is None:
            return (self.written,)
        return (f"{self.written}={self.value}",) if self.written.startswith("--") else (self.written, self.value)

    def with_word(self, word: str) -> Option:
        """With one more word of its value, as in ``--comment=two words``."""
        return dataclasses.replace(self, value=word if self.value is None else f"{self.value} {word}")

    @property
    def shown(self) -> str:
        """As a message names it."""
        return self.name if self.name.startswith("-") else self.written


def sbatch_options(texts: Sequence[str]) -> list[Option]:
    """Parse options of ``sbatch`` in texts such as ``--comment=two words``, ``--constraint gpu`` or ``-Cgpu``.

    Args:
        texts: As the profile has them; the value of an option may be a text of its own.

    Returns:
        The options, in order.

    Raises:
        FieldError: If a text is none, of the field ``options``.
    """
    return _read(texts, SBATCH_FLAGS, "sbatch")


def qsub_options(texts: Sequence[str]) -> list[Option]:
    """Parse options of ``qsub`` in texts such as ``-l container_image=x.sqsh`` or ``-A account``.

    Args:
        texts: As the profile has them; the value of an option may be a text of its own.

    Returns:
        The options, in order.

    Raises:
        FieldError: If a text is none, of the field ``options``.
    """
    return _read(texts, QSUB_FLAGS, "qsub")


def _read(texts: Sequence[str], flags: str, command: str) -> list[Option]:
    found: list[Option] = []
    for position, text in enumerate(texts):
        for word in _split(text, position):
            if word.startswith("-") and word.strip("-"):
                if command == "qsub" and word.startswith("--"):
                    raise FieldError(("options", position), f"{word!r} is no option of qsub", hint="its have one dash")
                found += _options(word, flags, command)
            elif found and found[-1].written.strip("-") not in tuple(flags):
                found[-1] = found[-1].with_word(word)
            else:
                hint = f"options of {command} begin with a dash"
                raise FieldError(("options", position), f"{word!r} is no option of {command}", hint=hint)
    return found


def _split(text: str, position: int) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        hint = "close the quotation mark"
        raise FieldError(("options", position), f"{text!r} cannot be read as a shell would", hint=hint) from None


def _options(word: str, flags: str, command: str) -> Iterator[Option]:
    """The options of one word, which are several where flags stand together: ``-Hk``."""
    letter, rest = word[1], word[2:]
    if word.startswith("--") and command == "sbatch":
        name, equals, value = word.removeprefix("--").partition("=")
        yield Option(_in_full(name), f"--{name}", value if equals else None)
    else:
        name = LONG_NAMES.get(letter, letter) if command == "sbatch" else f"-{letter}"
        yield Option(name, f"-{letter}", rest or None if letter not in flags else None)
        if rest and letter in flags:
            yield from _options(f"-{rest}", flags, command)


def _in_full(name: str) -> str:
    """The full name of an option that this project or a field of a profile gives: sbatch takes ``--part`` for it."""
    return next((full for full in sorted((*OWN_OF_SBATCH, *OF_FIELDS), key=len) if full.startswith(name)), name)


def check_options(texts: Sequence[str], scheduler: str, said: Mapping[str, object]) -> None:
    """Refuse options that would replace what is asked for, or one another.

    Args:
        texts: As the profile has them.
        scheduler: ``slurm`` or ``pbs``; of others there are none.
        said: Values of the fields that some options stand for, where the profile has them.

    Raises:
        FieldError: Of the field ``options``.
    """
    if scheduler == "slurm":
        options = sbatch_options(texts)
        _refuse_own(options, OWN_OF_SBATCH)
        _refuse_replacing(options, said)
        _refuse_repeated(options, "sbatch")
    if scheduler == "pbs":
        options = [part for option in qsub_options(texts) for part in _parts(option)]
        _refuse_own(options, OWN_OF_QSUB)
        _refuse_repeated(options, "qsub")


def _refuse_own(options: Sequence[Option], own: Mapping[str, str]) -> None:
    for option in options:
        if option.name in own:
            raise FieldError(("options",), f"{option.shown} is not for cluster.options", hint=own[option.name])


def _refuse_replacing(options: Sequence[Option], said: Mapping[str, object]) -> None:
    for option in options:
        field = OF_FIELDS.get(option.name, "")
        if said.get(field):
            hint = f"--set cluster.{field}=... changes it"
            raise FieldError(("options",), f"{option.shown} would replace the {field} of the profile", hint=hint)
        if option.name == "gres" and not option.value:
            raise FieldError(("options",), f"{option.shown} names no resource", hint="such as --gres=lscratch:100")
        if option.name == "gres" and asks_for_gpus(option.value or ""):
            raise FieldError(("options",), f"{option.shown}={option.value} asks for GPUs", hint=GPUS)


def _refuse_repeated(options: Sequence[Option], command: str) -> None:
    times = Counter(option.name for option in options)
    for option in options:
        if times[option.name] > 1 and option.name not in REPEATED:
            what = f"{option.shown} comes {times[option.name]} times, and {command} takes one of them"
            values = ",".join(one.value for one in options if one.name == option.name and one.value)
            as_one = f", perhaps {' '.join(Option(option.name, option.written, values).words)}"
            raise FieldError(("options",), what, hint=f"write one{as_one if option.name in LISTS else ''}")


def asks_for_gpus(gres: str) -> bool:
    """Whether some generic resources, as in ``lscratch:5,gpu:h100:2``, are GPUs."""
    return "gpu" in map(_kind, gres.split(","))


def _kind(resource: str) -> str:
    """The kind of a generic resource: ``gpu`` of ``gpu:h100:2`` and of ``gres:gpu``."""
    return re.split("[:=/]", re.sub("^gres[:/]", "", resource.strip().lower()))[0]


def _parts(option: Option) -> Iterator[Option]:
    """Split what one ``-l`` or ``-W`` sets: ``-l walltime=1:00,x=y`` is ``-l walltime`` and ``-l x``."""
    if option.name not in ("-l", "-W"):
        yield option
        return
    for part in re.findall(r"(?:^|,)\s*([A-Za-z_]\w*)", option.value or ""):
        yield Option(f"{option.name} {part}", option.written, option.value)
