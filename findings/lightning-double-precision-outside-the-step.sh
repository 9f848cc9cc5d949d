#!/usr/bin/env bash
# lightning 2.6.6 with Trainer(precision="64-true"): the model is double, but torch's default dtype is float64 within
# the steps and configure_model alone. All else of the module and of callbacks runs with float32. Seen with torch 2.13.0
# (CPU) and Python 3.11.7:
#
#   made in __init__, then double: 0.10000000149011612
#   made in training_step:         0.1
#   logged in training_step:       1e+39, 1e-46, 16777217.0
#   logged in on_train_batch_end:  inf, 0.0, 16777216.0
#
# So the very same self.log() of a Python float (a loss.item(), a rate, a seed) keeps 16 digits in one method and 7 in
# the next: a loss of 1e39 that has not yet diverged becomes infinite, one of 1e-46 is zero. Grids, quadrature nodes and
# start values that __init__ or setup makes are rounded to float32 and then widened, and with them all that is compared
# with theory to more than 7 digits. One expects double throughout from the name of the option and of its plugin
# ("training with double precision"). What helps: torch.set_default_dtype(torch.float64) before the module is made, and
# tensors in place of floats in self.log().
#
# Ends with 0 where it is as described. Needs no network but for the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check lightning==2.6.6 torch==2.13.0 numpy==2.4.6
cat >"$work/double.py" <<'PY'
import logging
import warnings

import lightning
import torch

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.simplefilter("ignore")
NUMBERS = {"large": 1e39, "small": 1e-46, "seed": 16777217.0}


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.register_buffer("node", torch.tensor([0.1]))

    def training_step(self, batch, _):
        self.made_in_step = torch.tensor(0.1).item()
        self.log_dict({f"step {name}": number for name, number in NUMBERS.items()})
        return ((self.weight - batch) ** 2).sum()

    def on_train_batch_end(self, *_):
        self.log_dict({f"end {name}": number for name, number in NUMBERS.items()})

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
trainer = lightning.Trainer(precision="64-true", accelerator="cpu", max_steps=1, **quiet)
model = Model()
trainer.fit(model, torch.utils.data.DataLoader(torch.ones(1, 1)))
assert model.weight.dtype == model.node.dtype == torch.float64
print("made in __init__, then double:", model.node.item())
print("made in training_step:        ", model.made_in_step)
for title, key in {"training_step:      ": "step", "on_train_batch_end: ": "end"}.items():
    print("logged in", title, ", ".join(str(trainer.callback_metrics[f"{key} {name}"].item()) for name in NUMBERS))
PY
said=$(cd "$work" && "$work/venv/bin/python" "$work/double.py")
printf '%s\n' "$said"
[ "$said" = "made in __init__, then double: 0.10000000149011612
made in training_step:         0.1
logged in training_step:       1e+39, 1e-46, 16777217.0
logged in on_train_batch_end:  inf, 0.0, 16777216.0" ]
