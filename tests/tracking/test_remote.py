"""An export that is killed, or whose server goes down, is finished by the next."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

from arrivals import TRIALS, assert_all_there, assert_nothing_noted_that_is_not_there
from recorded_run import ROOT, command, sync
from wandb_server import WandbServer
from wandb_state import Fault


def test_killed_at_any_moment_and_run_again_every_run_arrives_once(run: Path, server: WandbServer) -> None:
    server.faults = [Fault("file_stream", "slow", seconds=0.05)]
    draw = random.Random(0)
    for _ in range(20):
        process = subprocess.Popen(command("sync", str(run)), cwd=ROOT, stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(1.0, 6.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert_nothing_noted_that_is_not_there(server, run)
    done = sync(str(run))
    assert done.returncode == 0, done.stderr
    assert f"{TRIALS + 1} runs are on W&B" in done.stderr
    assert_all_there(server, run)


def test_a_server_that_restarts_in_the_middle_has_every_run_once(run: Path, server: WandbServer) -> None:
    server.faults = [Fault("file_stream", "slow", seconds=0.1)]
    process = subprocess.Popen(command("sync", str(run)), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while server.requests.count("file_stream") < 4:
        assert process.poll() is None
        time.sleep(0.02)
    server.stop()
    try:
        time.sleep(0.5)
    finally:
        server.start()
    _, said = process.communicate(timeout=100)
    assert_nothing_noted_that_is_not_there(server, run)
    if process.returncode:
        assert "Traceback" not in said
        done = sync(str(run))
        assert done.returncode == 0, done.stderr
    assert_all_there(server, run)
