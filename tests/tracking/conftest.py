"""A W&B server on this machine, a run, and exports from the one to the other."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import drawn_run
import pytest
from recorded_run import write_run
from wandb_server import WandbServer
from wandb_state import KEY

from pipeline.report.html.run_page import write_report
from pipeline.tracking.export.export import ExportResult, export, read_run
from pipeline.tracking.retries import Clock

SHORTEST_WAIT = "1"
"""Seconds before the client's only second try: it cuts fractions off, and takes nothing for its own two seconds."""


@pytest.fixture(scope="session")
def one_server() -> Iterator[WandbServer]:
    server = WandbServer()
    server.start()
    yield server
    server.leave()


@pytest.fixture
def server(one_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """An empty server, and an environment in which W&B's client finds it and soon gives up."""
    kept = dict(os.environ)
    one_server.forget()
    for name in list(os.environ):
        if name.startswith("WANDB_"):
            del os.environ[name]
    os.environ.update(
        {
            "HOME": str(tmp_path),
            "WANDB_BASE_URL": one_server.url,
            "WANDB_API_KEY": KEY,
            "WANDB_CONFIG_DIR": str(tmp_path / "config"),
            "WANDB_HTTP_TIMEOUT": "20",
            "WANDB__GRAPHQL_RETRY_MAX": "1",
            "WANDB__GRAPHQL_RETRY_WAIT_MIN_SECONDS": SHORTEST_WAIT,
            "WANDB__GRAPHQL_RETRY_WAIT_MAX_SECONDS": "0.1",  # also how long an export waits by itself
            "WANDB__FILE_STREAM_RETRY_MAX": "1",
            "WANDB__FILE_STREAM_RETRY_WAIT_MIN_SECONDS": SHORTEST_WAIT,
            "WANDB__FILE_TRANSFER_RETRY_MAX": "1",
            "WANDB__FILE_TRANSFER_RETRY_WAIT_MIN_SECONDS": SHORTEST_WAIT,
            "WANDB__FILE_STREAM_TRANSMIT_INTERVAL": "0.1",
        }
    )
    import wandb

    wandb.teardown()
    yield one_server
    wandb.teardown()
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture(scope="session")
def written(shared_folder: Path) -> Path:
    """A run of which the theory has been computed, to be copied."""

    def write(folder: Path) -> None:
        write_run(folder)
        assert read_run(folder).answer.text

    return made_once(shared_folder, "written", write)


@pytest.fixture
def run(written: Path, tmp_path: Path) -> Path:
    folder = shutil.copytree(written, tmp_path / "run")
    (folder / "report.html").write_text("<p>the report</p>")
    return folder


@pytest.fixture(scope="session")
def drawn(shared_folder: Path) -> Path:
    """A run with its report and every figure of that, to be copied by those who change something."""

    def write(folder: Path) -> None:
        write_report(drawn_run.write_run(folder))
        drawn_run.write_phases(folder)

    return made_once(shared_folder, "drawn", write)


def made_once(shared_folder: Path, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that every worker of pytest has the same, because it takes long; the first that asks makes it."""
    folder, made = shared_folder / name, shared_folder / f"{name}-is-made"
    with (shared_folder / f"{name}-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            made.touch()
    return folder


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def clock(server: WandbServer) -> Clock:
    """The server's time, which passes at once where somebody waits."""
    return Clock(server.now, server.let_pass)


@pytest.fixture(scope="session")
def first_export(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``exported`` copies, once there is something."""
    return {"folder": tmp_path_factory.mktemp("first") / "wandb"}


@pytest.fixture
def exported(
    run: Path, server: WandbServer, to_wandb: Callable[[], ExportResult], first_export: dict[str, Any]
) -> Path:
    """The run after one whole export, and the server with it: the first test sends it, those after it get a copy."""
    if "server" not in first_export:
        assert not to_wandb().problems
        shutil.copytree(run / "wandb", first_export["folder"])
        first_export["server"] = server.memory()
    else:
        shutil.copytree(first_export["folder"], run / "wandb")
        server.remember(first_export["server"])
    return run


@pytest.fixture
def to_wandb(run: Path, server: WandbServer, said: list[str], clock: Clock) -> Callable[[], ExportResult]:
    """Export the run."""
    return lambda: export(run, None, None, said.append, clock=clock)
