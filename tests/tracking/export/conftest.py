"""W&B's client as a process that has most of its libraries loaded already: dozens of exports send by it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import preloaded
import pytest

from pipeline.tracking.export import sync_process


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What stands for Python in ``python -m wandb``."""
    script = tmp_path_factory.mktemp("client") / "python"
    script.write_text(f'#!/bin/sh\nexec {preloaded.job_python()} "$@"\n')
    script.chmod(0o755)
    return script


@pytest.fixture(autouse=True)
def quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports of this process send by that client; those of a process of their own start Python."""
    if "server" in request.fixturenames:
        client = request.getfixturevalue("client")
        monkeypatch.setattr(sync_process, "sys", SimpleNamespace(executable=str(client), platform=sys.platform))
