"""What stands between here and W&B is told in one sentence: the network, the key, the clock."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from arrivals import noted
from recorded_run import sync
from wandb_server import WandbServer

from pipeline.tracking.export.export import ExportResult

Export = Callable[[], ExportResult]


def test_there_is_no_network(run: Path, server: WandbServer) -> None:
    os.environ["WANDB_BASE_URL"] = "http://127.0.0.1:1"
    done = sync(str(run))
    assert done.returncode == 0
    assert "nothing was sent: http://127.0.0.1:1 cannot be reached" in done.stderr


def test_a_wrong_key_is_refused_and_not_shown(run: Path, server: WandbServer) -> None:
    os.environ["WANDB_API_KEY"] = "b" * 40
    done = sync(str(run))
    assert done.returncode == 1
    assert "the key is refused" in done.stderr
    assert "b" * 40 not in done.stderr
    assert not noted(run)


def test_what_is_no_key_is_refused(run: Path, server: WandbServer) -> None:
    os.environ["WANDB_API_KEY"] = "short"
    done = sync(str(run))
    assert done.returncode == 1
    assert "the key is not one" in done.stderr


def test_a_clock_that_is_wrong_is_told_of(server: WandbServer, to_wandb: Export, said: list[str]) -> None:
    server.clock_ahead_seconds = 7200.0
    to_wandb()
    assert [text for text in said if "behind W&B's" in text]
