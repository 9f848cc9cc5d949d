#!/usr/bin/env bash
# wandb-workspaces 0.4.13 turns "=", "<" and ">" into "==", "<=" and ">=" before it parses the text of a filter, within
# quoted strings too. So a workspace or a report asks for a group, a name or a setting that no run has, and shows
# nothing: names with an equals sign are what sweeps are called by their overrides, as Hydra writes them. Seen with
# Python 3.11.7, each line what is asked for and what is sent:
#
#   group 'width=32,learning_rate=0.1' -> 'width==32,learning_rate==0.1'
#   target 'abs(x)<1' -> 'abs(x)<=1'
#
# The filters are written as Python, so one expects a string to stay as it is. Filters that are built from objects,
# ws.Metric("Group") == "...", go the same way, since they become text and are parsed again. "<" and ">" give a warning
# that operators are mapped, "=" gives none. What helps: names of groups and settings without the three signs.
#
# Ends with 0 where it is as described. Needs no account and no network but for the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check wandb-workspaces==0.4.13 \
    wandb==0.31.0
cat >"$work/filters.py" <<'PY'
import json
import warnings

import wandb_workspaces.workspaces as ws

warnings.simplefilter("ignore")


def sent(filters: object) -> str:
    """The value in the filter of a workspace, as it would be saved."""
    settings = ws.RunsetSettings(filters=filters)
    view = ws.Workspace(entity="e", project="p", name="n", runset_settings=settings)._to_model()
    text = json.dumps(view.model_dump(mode="json", by_alias=True))
    (value,) = {part.split('"')[0] for part in text.split('"value": "')[1:]}
    return value


group, target = "width=32,learning_rate=0.1", "abs(x)<1"
as_text, as_object = sent(f"Metric('Group') == '{group}'"), sent(ws.And(ws.Metric("Group") == group))
assert as_text == as_object
print(f"group {group!r} -> {as_text!r}")
print(f"target {target!r} -> {sent(ws.And(ws.Config('target') == target))!r}")
assert sent("Metric('Group') == 'plain'") == "plain"
PY
said=$(HOME="$work" "$work/venv/bin/python" "$work/filters.py")
printf '%s\n' "$said"
[ "$said" = "group 'width=32,learning_rate=0.1' -> 'width==32,learning_rate==0.1'
target 'abs(x)<1' -> 'abs(x)<=1'" ]
