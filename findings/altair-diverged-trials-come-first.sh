#!/usr/bin/env bash
# altair 6.3.0, pandas 3.1.1 and vl-convert-python 1.9.0.post1 (Vega-Lite 6.4): a loss that is NaN or infinite becomes
# null in the chart, and null is then the smallest of all losses, or 0. So the trial that diverged is the best one. Seen
# with Python 3.11.7, rates 0.1, 0.2, 0.4, 0.8 with losses 0.5, 0.3, 0.4, infinity, each time asking for the best or for
# losses below 0.35, which is 0.2 alone:
#
#   window, rank of loss = 1:             0.8
#   window, first_value by loss:          0.8
#   filter, datum.loss < 0.35:            0.2 0.8
#   filter, FieldLTPredicate:             0.2 0.8
#   filter, FieldRangePredicate:          0.2 0.8
#   order of an axis by min(loss), first: 0.8
#   aggregate, argmin(loss):              0.2
#
# The top-K pattern of the documentation (rank in a window, then a filter), for the smallest losses, so shows the trials
# that diverged; argmin, min and mean skip null and are right, which hides it in a chart with both. log(datum.loss) is
# -Infinity for it. One expects NaN to pass no comparison and infinity to come last, as in the table that the chart is
# made of. What helps: to filter such rows in the table, or isValid(datum.loss) before anything else.
#
# Ends with 0 where it is as described. Needs no network but for the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check altair==6.3.0 pandas==3.1.1 \
    vl-convert-python==1.9.0.post1
cat >"$work/best.py" <<'PY'
import math
import re
import sys

import altair as alt
import pandas as pd
import vl_convert

loss = float(sys.argv[1])
trials = pd.DataFrame({"rate": [0.1, 0.2, 0.4, 0.8], "loss": [0.5, 0.3, 0.4, loss]})
assert not math.isfinite(loss) and not (trials.loss < 0.35)[3] and trials.loss.idxmin() == 1


def shown(chart):
    return re.findall(r">([\d.]+)</text>", vl_convert.vegalite_to_svg(chart.to_json()))


rows = alt.Chart(trials).mark_text().encode(alt.Text("rate:N"), alt.Y("rate:O", axis=None))
one = alt.Chart(trials).mark_text().encode(alt.Text("best:N"))
by_loss = [alt.SortField("loss")]
first = one.transform_window(best="first_value(rate)", sort=by_loss, frame=[None, None])
by_minimum = alt.X("rate:O", sort=alt.EncodingSortField("loss", op="min"))
CHARTS = {
    "window, rank of loss = 1:": rows.transform_window(rank="rank()", sort=by_loss).transform_filter("datum.rank == 1"),
    "window, first_value by loss:": first.transform_filter("datum.rate == 0.1"),
    "filter, datum.loss < 0.35:": rows.transform_filter("datum.loss < 0.35"),
    "filter, FieldLTPredicate:": rows.transform_filter(alt.FieldLTPredicate("loss", lt=0.35)),
    "filter, FieldRangePredicate:": rows.transform_filter(alt.FieldRangePredicate("loss", range=[0, 0.35])),
    "order of an axis by min(loss), first:": alt.Chart(trials).mark_point().encode(by_minimum),
    "aggregate, argmin(loss):": one.transform_aggregate(a="argmin(loss)").transform_calculate(best="datum.a.rate"),
}
for title, chart in CHARTS.items():
    found = shown(chart)
    print(f"{title:<37}", *(found[:1] if title.startswith("order") else sorted(found)))
valid = rows.transform_filter("isValid(datum.loss)")
assert shown(valid.transform_filter("datum.loss < 0.35")) == ["0.2"]
PY
expected="window, rank of loss = 1:             0.8
window, first_value by loss:          0.8
filter, datum.loss < 0.35:            0.2 0.8
filter, FieldLTPredicate:             0.2 0.8
filter, FieldRangePredicate:          0.2 0.8
order of an axis by min(loss), first: 0.8
aggregate, argmin(loss):              0.2"
for loss in inf nan; do
    said=$(HOME=$work "$work/venv/bin/python" "$work/best.py" "$loss")
    printf 'loss %s:\n%s\n' "$loss" "$said"
    [ "$said" = "$expected" ]
done
