"""An export that is killed, or whose server goes down, is finished by the next."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from arrivals import TRIALS, assert_all_there, assert_nothing_noted_that_is_not_there
from recorded_run import ROOT, command, sync
from wandb_server import WandbServer
from wandb_state import Fault

KILLS = 20

# Imports once, then forks a child for each sync: it is killed at its work, not at the seconds of an import.
SYNC_AND_KILL = """
import os, signal, sys, time
import wandb
import pipeline.cli, pipeline.tracking.export.export

def is_at_work(child):
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

for seconds in sys.stdin:
    child = os.fork()
    if child == 0:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        os._exit(pipeline.cli.main(["sync", sys.argv[1]]))
    moment = time.monotonic() + float(seconds)
    while time.monotonic() < moment and is_at_work(child):
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


def test_killed_at_any_moment_and_run_again_every_run_arrives_once(run: Path, server: WandbServer) -> None:
    server.faults = [Fault("file_stream", "slow", seconds=0.05)]
    draw = random.Random(0)
    words = [sys.executable, "-c", SYNC_AND_KILL, str(run)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(words, cwd=ROOT, text=True, **pipes) as killer:  # type: ignore[call-overload]
        assert killer.stdin is not None
        assert killer.stdout is not None
        for _ in range(KILLS):
            print(draw.uniform(0, 3), file=killer.stdin, flush=True)
            assert int(killer.stdout.readline()) in (0, -9)
            assert_nothing_noted_that_is_not_there(server, run)
        killer.stdin.close()
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
