#!/usr/bin/env bash
# wandb 0.31.0 makes one temporary folder for media as it is loaded, and has it removed at the end of a process (atexit).
# A child that os.fork made after that, and that ends as programs end, removes the folder of its parent: from then on the
# parent cannot make a wandb.Html of a text, nor what else goes through that folder. Seen with Python 3.11.7:
#
#   before the child ended: Html is made
#   after the child ended: FileNotFoundError
#
# Children of multiprocessing leave by os._exit, which asks for no such removal; a fork that becomes a daemon, a server
# or a pool of one's own does not. What helps: os._exit in the child, or to load wandb after the fork.
#
# Ends with 0 where it is as described. Needs no account and no network but for the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check wandb==0.31.0
cat >"$work/forks.py" <<'PY'
import os
import sys

import wandb


def made() -> str:
    try:
        wandb.Html("<p>a report</p>")
    except OSError as error:
        return type(error).__name__
    return "Html is made"


print("before the child ended:", made(), flush=True)
if os.fork() == 0:
    sys.exit(0)
os.wait()
print("after the child ended:", made())
PY
said=$("$work/venv/bin/python" "$work/forks.py")
printf '%s\n' "$said"
[ "$said" = "before the child ended: Html is made
after the child ended: FileNotFoundError" ]
