"""Node inventory: what a job finds on the node that it runs on, written down by a job of one minute.

Nothing here needs more than Python itself, so that it answers where the rest would fail.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.records.atomic_writes import replacing

HOSTS = ("api.wandb.ai", "huggingface.co")
"""What a job may want to reach over HTTPS."""
SECONDS_FOR_A_HOST = 5.0
SILENT = "no answer in time"
COMMANDS = ("sbatch", "scontrol", "qsub", "qstat", "git", "nvidia-smi", "singularity", "apptainer", "enroot")
SCRATCH = ("SLURM_TMPDIR", "PBS_JOBDIR", "TMPDIR")
"""Variables in which sites name disks of a job's own node."""
LOCAL_FOLDERS = ("/raid", "/scratch/local", "/local", "/tmp")
GIB = 2.0**30


def write_node_inventory(path: str, hosts: Sequence[str] = HOSTS) -> None:
    """Write what this node has and reaches into a JSON file.

    Args:
        path: Of the file; whether jobs can write is tried in its folder.
        hosts: What to reach over HTTPS.
    """
    answers = {
        "host": socket.gethostname(),
        "time": time.time(),
        "python": platform.python_version(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "gpus": _gpus(),
        "visible_gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "internet": _reached(hosts),
        "proxies": sorted(name for name in os.environ if name.lower().endswith("_proxy")),  # values may hold passwords
        "commands": [command for command in COMMANDS if shutil.which(command)],
        "scratch": _scratch(),
    }
    file = Path(path)
    with replacing(file) as part:
        part.write_text(json.dumps(answers | {"free_gib": _free_gib(file.parent)}, indent=1) + "\n")


def _gpus() -> list[str]:
    """Names of the GPUs that the driver shows, without loading torch."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        information = Path("/proc/driver/nvidia/gpus").glob("*/information")
        texts = [path.read_text() for path in information]
        return [name for text in texts for name in re.findall(r"^Model:\s*(.+)$", text, re.MULTILINE)]
    return re.findall(r"^GPU \d+: (.+?)(?: \(UUID.*)?$", done.stdout, re.MULTILINE)


def _memory_gib() -> float:
    """Memory that this process may use: that of the machine, or less where a control group says so."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return round(min([whole, *_group_limits()]) / GIB, 2)


def _group_limits() -> list[int]:
    """Limits of the control groups that this process is in, of both versions of them."""
    limits = []
    for line in _text(Path("/proc/self/cgroup")).splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers in ("", "memory"):
            top = Path("/sys/fs/cgroup", controllers)
            name = "memory.limit_in_bytes" if controllers else "memory.max"
            inside = top / group.lstrip("/")
            limits += [_text(folder / name) for folder in (inside, *inside.parents) if folder.is_relative_to(top)]
    return [int(limit) for limit in limits if limit.strip().isdigit()]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _reached(hosts: Sequence[str]) -> dict[str, str]:
    """Try to reach each host: ``yes`` or why not; a name server that does not answer holds nothing up."""
    found = dict.fromkeys(hosts, SILENT)

    def ask(host: str) -> None:
        found[host] = _reach(host)

    threads = [threading.Thread(target=ask, args=(host,), daemon=True) for host in hosts]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 2 * SECONDS_FOR_A_HOST
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(found)


def _reach(host: str) -> str:
    request = urllib.request.Request(f"https://{host}/", method="HEAD")
    try:
        opener = urllib.request.build_opener()  # of its own: the shared one keeps the proxies of its first use
        with opener.open(request, timeout=SECONDS_FOR_A_HOST):
            return "yes"
    except urllib.error.HTTPError as error:  # whoever refuses has been reached
        error.close()
        return "yes"
    except Exception as error:  # whatever it is, its traceback must not show the password of a proxy in the log
        return _reason(error.reason if isinstance(error, urllib.error.URLError) else error)


def _reason(error: Any) -> str:
    """Why, without any text that may repeat the address of a proxy and the password in it."""
    if isinstance(error, TimeoutError):
        return SILENT
    tunnel = re.search(r"Tunnel connection failed: \d+", str(error))
    if tunnel:
        return tunnel[0].lower()
    words = getattr(error, "strerror", None) or type(error).__name__
    return str(words).lower()


def _scratch() -> dict[str, float]:
    """Free GiB in the folders that may be this node's own."""
    named = [os.environ[name] for name in SCRATCH if os.environ.get(name)]
    folders = [folder for folder in dict.fromkeys((*named, *LOCAL_FOLDERS)) if os.access(folder, os.W_OK)]
    return {folder: _free_gib(Path(folder)) for folder in folders}


def _free_gib(folder: Path) -> float:
    return round(shutil.disk_usage(folder).free / GIB, 2)


def read_node_inventory(path: Path) -> dict[str, Any]:
    """Read the inventory that a job has written."""
    answers: dict[str, Any] = json.loads(path.read_bytes())
    return answers
