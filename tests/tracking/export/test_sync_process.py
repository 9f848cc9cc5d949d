"""An export that is killed, or whose server goes down, is finished by the next."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import preloaded
from arrivals import TRIALS, assert_all_there, assert_nothing_noted_that_is_not_there
from recorded_run import ROOT, sync
from wandb_server import WandbServer
from wandb_state import Fault

ROUNDS = 8
MOST_REQUESTS = 50
"""A whole export takes some 75, the second half by W&B's client, and one that goes on from a kill takes fewer."""


def begin_sync(run: Path) -> preloaded.Command:
    return preloaded.begin("sync", str(run), cwd=ROOT)


def test_killed_at_any_moment_and_run_again_every_run_arrives_once(run: Path, server: WandbServer) -> None:
    """Where a sync comes to its end before it is killed, the next kills are those of a new run on an empty server."""
    draw, codes = random.Random(0), []
    for _ in range(ROUNDS):
        server.faults = [Fault("file_stream", "slow", seconds=0.05)]
        server.requests.clear()
        requests = draw.randrange(MOST_REQUESTS)
        killed = begin_sync(run)
        while len(server.requests) < requests and killed.poll() is None:
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.05))
        killed.kill()
        assert killed.wait() in (0, -9)
        killed.close()
        assert_nothing_noted_that_is_not_there(server, run)
        codes.append(killed.returncode)
        if killed.returncode == 0:
            assert_all_there(server, run)
            server.forget()
            shutil.rmtree(run / "wandb")
    assert codes.count(-9) >= ROUNDS / 2
    done = sync(str(run))
    assert done.returncode == 0, done.stderr
    assert f"{TRIALS + 1} runs are on W&B" in done.stderr
    assert_all_there(server, run)


def test_a_server_that_restarts_in_the_middle_has_every_run_once(run: Path, server: WandbServer) -> None:
    server.faults = [Fault("file_stream", "slow", seconds=0.1)]
    process = begin_sync(run)
    while server.requests.count("file_stream") < 4:
        assert process.poll() is None
        time.sleep(0.02)
    server.stop()
    try:
        time.sleep(0.2)
    finally:
        server.start()
    _, said = process.communicate()
    assert_nothing_noted_that_is_not_there(server, run)
    if process.returncode:
        assert "Traceback" not in said
        done = sync(str(run))
        assert done.returncode == 0, done.stderr
    assert_all_there(server, run)
