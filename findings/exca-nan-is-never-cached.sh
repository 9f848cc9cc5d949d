#!/usr/bin/env bash
# exca 0.6.0 gives a task with a NaN among its settings another id in every process, so that its result is never found
# again: it is trained anew at each call, and each time leaves one more folder. That is so where NaN is the default,
# too, though defaults are no part of the id: NaN differs from itself, and so from the default. Seen with Python
# 3.11.7, the same script run twice:
#
#   clip=inf: trained in 1 of 2 processes, 1 folders
#   clip=nan: trained in 2 of 2 processes, 2 folders
#   clip=nan by default: trained in 2 of 2 processes, 2 folders
#
# The id comes from hash() of the number, which Python documents as the same in every process for equal numbers; for NaN
# it is made of the object's address since Python 3.10. NaN stands in settings for "no limit" or "not measured". Within
# one process the result is found while it is the same object (math.nan), which hides it in a notebook. What helps: None
# in place of NaN.
#
# Ends with 0 where it is as described. Needs no network but for the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check exca==0.6.0 pydantic==2.14.4
cat >"$work/training.py" <<'PY'
import math
import sys

import exca
import pydantic


class Training(pydantic.BaseModel):
    clip: float = math.nan
    infra: exca.TaskInfra = exca.TaskInfra(version="1")

    @infra.apply
    def run(self) -> float:
        print("trained")
        return 0.0


folder, *clip = sys.argv[1:]
Training(infra={"folder": folder}, **({"clip": float(clip[0])} if clip else {})).run()
PY
twice() { # twice TITLE FOLDER [CLIP]: train in two processes, one after the other
    local title=$1 said=""
    shift
    for _ in 1 2; do said+=$("$work/venv/bin/python" "$work/training.py" "$@"); done
    echo "$title: trained in $(grep -o trained <<<"$said" | wc -l) of 2 processes," \
        "$(find "$1" -maxdepth 2 -name 'clip=*' | wc -l) folders"
}
said=$(
    twice "clip=inf" "$work/a" inf
    twice "clip=nan" "$work/b" nan
    twice "clip=nan by default" "$work/c"
)
printf '%s\n' "$said"
[ "$said" = "clip=inf: trained in 1 of 2 processes, 1 folders
clip=nan: trained in 2 of 2 processes, 2 folders
clip=nan by default: trained in 2 of 2 processes, 2 folders" ]
