#!/usr/bin/env bash
# Three moving averages that add the new value and take the old one away, vl-convert-python 1.9.0.post1 (the window of
# Vega-Lite 6.4), scipy 1.17.1 (ndimage.uniform_filter1d) and bottleneck 1.6.0 (move_mean), keep the rounding error of
# the largest value that ever passed. The loss of a training has such values: it starts at 1 and falls by ten orders and
# more, or jumps far up and comes back (a catapult). Seen with Python 3.11.7, means over three steps:
#
#   values 1, 1e17, 1, 1, 1, 1, 1:
#     vega        3.3e+16  3.3e+16  3.0e+00  3.0e+00  3.0e+00
#     scipy       3.3e+16  3.3e+16  0.0e+00  0.0e+00  0.0e+00
#     bottleneck  3.3e+16  3.3e+16  0.0e+00  0.0e+00  0.0e+00
#     polars      3.3e+16  3.3e+16  1.0e+00  1.0e+00  1.0e+00
#   1, 1e-2, 1e-4 ... 1e-22, the last four means:
#     vega        3.4e-13  3.4e-15  3.3e-17 -4.0e-19
#     scipy       3.4e-13  3.3e-15 -3.2e-17 -6.5e-17
#     bottleneck  3.4e-13  3.4e-15  4.2e-17  9.1e-18
#     polars      3.4e-13  3.4e-15  3.4e-17  3.4e-19
#
# Means of positive numbers so become negative, and of ones become three. On a log axis Vega draws what is not positive
# at the edge. After one infinity scipy and bottleneck give NaN to the end. The same frame of Vega has NaN as standard
# deviation ("stdev") for the falling values. One expects what the definition of a moving average gives, and so do
# polars 2.1.0 (rolling_mean) and pandas; the documentation of the three says nothing of it, but for NaN in scipy's.
# What helps: numpy.convolve, scipy's convolve1d, or to average before the chart.
#
# Ends with 0 where it is as described. Needs no network but for the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    vl-convert-python==1.9.0.post1 scipy==1.17.1 bottleneck==1.6.0 polars==2.1.0 numpy==2.4.6
cat >"$work/averages.py" <<'PY'
import json
import math
import re

import bottleneck
import numpy as np
import polars as pl
import vl_convert
from scipy.ndimage import uniform_filter1d


def vega(values, op="mean"):
    """The window transform as the chart shows it, one text mark for each step."""
    chart = {"data": {"values": [{"step": step, "loss": value} for step, value in enumerate(values)]}}
    chart["transform"] = [{"window": [{"op": op, "field": "loss", "as": "mean"}], "frame": [-2, 0]}]
    step = {"field": "step", "type": "ordinal", "axis": None}
    chart |= {"mark": "text", "encoding": {"y": step, "text": {"field": "mean", "type": "nominal"}}}
    shown = re.findall(r">([^<]+)</text>", vl_convert.vegalite_to_svg(json.dumps(chart)))
    return np.array([float(text) for text in shown[2:]])


MEANS = {
    "vega": vega,
    "scipy": lambda values: uniform_filter1d(values, 3, origin=1)[2:],
    "bottleneck": lambda values: bottleneck.move_mean(values, 3)[2:],
    "polars": lambda values: pl.Series(values).rolling_mean(3).to_numpy()[2:],
}


def show(title, values, last):
    print(title)
    means = {name: mean(values) for name, mean in MEANS.items()}
    for name, mean in means.items():
        print(f"  {name:<10}", *(f"{value:8.1e}" for value in mean[-last:]))
    return means


spike = np.array([1.0, 1e17, 1, 1, 1, 1, 1])
after = {name: mean[-1] for name, mean in show("values 1, 1e17, 1, 1, 1, 1, 1:", spike, 5).items()}
assert after == {"vega": 3.0, "scipy": 0.0, "bottleneck": 0.0, "polars": 1.0}

falling = 100.0 ** -np.arange(12.0)
truth = np.convolve(falling, np.full(3, 1 / 3), "valid")
assert math.isclose(truth[-1], sum(falling[-3:]) / 3)
means = show("1, 1e-2, 1e-4 ... 1e-22, the last four means:", falling, 4)
print(f"  {'truth':<10}", *(f"{value:8.1e}" for value in truth[-4:]))
off = {name: abs(mean[-1] / truth[-1] - 1) for name, mean in means.items()}
assert off["polars"] < 1e-9 < 1 < min(off["vega"], off["scipy"], off["bottleneck"])
assert means["vega"][-1] < 0 and means["scipy"][-1] < 0
assert np.isnan(vega(falling, "stdev")[-1])

infinite = np.array([1.0, math.inf, 1, 1, 1, 1, 1])
ends = {name: mean(infinite)[-1] for name, mean in MEANS.items() if name != "vega"}
print("1, infinity, 1, 1, 1, 1, 1, the last mean:", ends)
assert np.isnan(ends["scipy"]) and np.isnan(ends["bottleneck"]) and ends["polars"] == 1
PY
"$work/venv/bin/python" "$work/averages.py"
