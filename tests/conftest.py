"""The verified values for tests marked ``reference``, a real SLURM for every test that asks for it, and small packs."""

from __future__ import annotations

import fcntl
import gc
import json
import os
import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

gc.disable()  # until all tests are collected: what is made on the way stays
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of what a shell runs in the background: so would commands
    signal.signal(signal.SIGINT, signal.default_int_handler)
if not any(Path("/dev").glob("nvidia[0-9]*")):
    os.environ["TRITON_INTERPRET"] = "1"  # before PyTorch loads Triton: without a GPU its kernels are interpreted
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before PyTorch, too: threads that spin take another test's turn
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: its threads spin, four times the work on two cores

pytest_plugins = ["forked_workers"]
TESTS = Path(__file__).parent
ROOT = TESTS.parent
DEV = ROOT / "slurm" / "dev"
LINK = ROOT / ".slurm"
LONGEST = (
    "launch/test_worker.py",
    "test_configs.py",
    # One browser, one after the other.
    "report/playground/test_playground_page.py",
    "report/html/test_run_page.py",
    "report/test_explorer.py",
    "report/test_lecture.py",
    "report/test_descent.py",
    "docs/test_writing.py",
    "launch/test_schedulers.py",
    "training/test_run.py",
    "launch/submit/test_submit_run.py",
    "tracking/export/test_delivery.py",
    "training/test_followers.py",
    "slurm/test_dev.py",
    "launch/job/test_exporting.py",
    "engines/cpu/test_engine.py",
    "test_cli.py",
    "test_installed.py",
    "engines/gpu/test_registers.py",
    "test_documentation.py",
    "test_architecture.py",
    "diagnostics/test_diagnostic.py",
)
"""Files that take from ten seconds to three minutes, those first that wait longest."""
IMPOSSIBLE = 77
"""How ``up`` ends where packages are missing and may not be installed."""


@dataclass(frozen=True)
class DevCluster:
    """The SLURM that ``slurm/dev/up`` has started: its private folder, and whether it keeps accounts."""

    root: Path
    accounting: bool
    nodes: tuple[str, ...] = ("dev1", "dev2")

    def daemon(self, action: str, name: str) -> None:
        """Start, stop or kill a daemon; return when that is done."""
        subprocess.run([DEV / "daemon", action, name], check=True, timeout=200)


@contextmanager
def locked(path: Path, kind: int) -> Iterator[None]:
    """Hold a lock on a file that is there anyway; a process that dies lets go of it."""
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, kind)
        yield
    finally:
        os.close(file)


def pytest_configure(config: pytest.Config) -> None:
    gone = [name for name in LONGEST if not (TESTS / name).exists()]
    if gone and (ROOT / ".git").exists():  # a copy may hold some of the tests only
        raise pytest.UsageError(f"tests/conftest.py: LONGEST names files that are not there: {', '.join(gone)}")
    config.addinivalue_line("markers", "cluster: asks for the dev cluster; given by itself to each test that does")
    config.addinivalue_line("markers", "alone: nobody else uses the dev cluster while this test runs")
    config.addinivalue_line("markers", "reference(names): runs with each entry of the verified values that names fits")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, then those of few tests, which start processes and wait, too.

    The short tests at the end fill every gap, so that the workers of pytest end together.
    """
    from forked_workers import TOGETHER  # pytest rewrites it first

    tests_of = Counter(item.path for item in items)
    turns = {path: (_turn(path), num, path) for path, num in tests_of.items()}
    items.sort(key=lambda item: turns[item.path])
    for item in items:
        if "dev_cluster" in getattr(item, "fixturenames", ()):
            item.add_marker("cluster")
    browsing = {item.path for item in items if "chromium" in getattr(item, "fixturenames", ())}
    for item in items:
        if item.path in browsing:
            item.stash[TOGETHER] = "chromium"


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.unfreeze()  # both together: what there is belongs to the oldest generation
    gc.enable()


def _turn(path: Path) -> int:
    name = path.relative_to(TESTS).as_posix()
    return LONGEST.index(name) if name in LONGEST else len(LONGEST)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test marked ``reference("gd_steps_*")`` each entry of that name as ``reference``; there must be one."""
    mark = metafunc.definition.get_closest_marker("reference")
    if mark is None:
        return
    (names,) = mark.args
    values = json.loads((Path(__file__).parent / "reference_values.json").read_text())["values"]
    found = [value for value in values if fnmatchcase(value["name"], names)]
    if not found:
        raise pytest.UsageError(f"no entry of reference_values.json fits {names!r}")
    metafunc.parametrize("reference", found, ids=[value["name"] for value in found])


@pytest.fixture
def number(reference: dict[str, Any]) -> int:
    """The number at the end of the name of a verified value, like 7 of ``kappa_monomial_gram_pm1_m7``."""
    return int(re.findall(r"\d+$", reference["name"])[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Tests share the cluster, but for those that stop a part of it."""
    if "dev_cluster" not in getattr(item, "fixturenames", ()):
        return (yield)
    with locked(DEV / "daemon", fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, Any, Any]:
    """Stop a cluster that tests have started, when the last process that uses it is done."""
    result = yield
    if (LINK / "started_by_tests").exists():
        try:
            with locked(DEV, fcntl.LOCK_EX | fcntl.LOCK_NB):
                subprocess.run([DEV / "down"], check=True, timeout=200)
        except BlockingIOError:
            pass
    return result


@pytest.fixture(scope="session")
def dev_cluster() -> Iterator[DevCluster]:
    with locked(DEV, fcntl.LOCK_SH), pytest.MonkeyPatch.context() as patch:
        if not is_up():
            start()
        configuration = LINK.resolve() / "slurm.conf"
        patch.setenv("SLURM_CONF", str(configuration))
        yield DevCluster(configuration.parent, "AccountingStorageType" in configuration.read_text())


def is_up() -> bool:
    """Whether there is a cluster to use; one of its daemons may be down for a test elsewhere."""
    if not (LINK / "ready").exists():
        return False
    return Path("/proc", (LINK / "run" / "munged.pid").read_text().strip()).exists()


def start() -> None:
    done = subprocess.run([DEV / "up"], capture_output=True, text=True, timeout=600)
    if done.returncode == IMPOSSIBLE and not os.environ.get("CI"):
        pytest.skip(done.stderr.strip())
    if done.returncode:
        pytest.fail(f"slurm/dev/up: {done.stderr.strip()}")
    if "already up" not in done.stderr:
        (LINK / "started_by_tests").touch()


# Imported inside the fixtures: most tests need neither a browser nor PyTorch.


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser for all tests of a process; each opens a page of its own."""
    from browser import started

    with started(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def experiment() -> Callable[..., Any]:
    """A function that makes an experiment in double precision: 4 trials of a linear model, 12 of a network."""

    from pipeline.experiment.axes import Inputs
    from pipeline.experiment.experiment import Experiment
    from pipeline.models.activations import Tanh
    from pipeline.models.bases.trigonometric import Cosine
    from pipeline.models.linear import Linear
    from pipeline.models.shallow import Shallow
    from pipeline.problems.targets import AbsoluteValue

    def make(**fields: Any) -> Any:
        asked = {
            "question": "Does it work?",
            "models": (Linear(Cosine()), Shallow(Tanh())),
            "widths": (6,),
            "target": (AbsoluteValue(),),
            "inputs": Inputs(train=(24,), test=50),
            "learning_rates": (0.01, 0.03, 0.1, 0.3),
            "steps": 40,
            "seeds": 3,
            "dtype": "float64",
        }
        return Experiment(**(asked | fields))

    return make


@pytest.fixture
def pack(experiment: Callable[..., Any]) -> Callable[..., Any]:
    """A function that makes the first pack of such an experiment."""
    from pipeline.plans import make_plan

    return lambda **fields: make_plan("test", experiment(**fields)).packs[0]


@pytest.fixture
def quick_pilots(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process and its commands time packs themselves: for tests that are not about the process of a pilot."""
    import preloaded

    monkeypatch.setenv(preloaded.TIMES_PACKS_ITSELF, "1")
    preloaded.time_packs_here(monkeypatch.setattr)


@pytest.fixture
def pipe(tmp_path: Path) -> Callable[[str], Path]:
    """A function that makes a named pipe of a YAML text: the first to open it reads it all, the next finds no file."""

    def holding(text: str) -> Path:
        path = tmp_path / "pipe.yaml"
        os.mkfifo(path)

        def give() -> None:
            with path.open("w") as file:  # returns when somebody has opened it to read
                path.unlink()
                file.write(text)

        threading.Thread(target=give, daemon=True).start()
        return path

    return holding
