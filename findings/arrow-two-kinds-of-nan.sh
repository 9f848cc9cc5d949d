#!/usr/bin/env bash
# pyarrow 26.0.1 has two kinds of NaN where values are looked up: one that a program writes down (float("nan"), and the
# missing values of pandas) and one that arithmetic makes, as in a training that diverges: on x86-64 infinity minus
# infinity has the sign bit set. It compares bits. Seen with numpy 2.4.6 and Python 3.11.7, losses inf - inf, NaN, 0.5:
#
#   diverged, by is_nan:         [True, True, False]
#   diverged, by is_in([NaN]):   [False, True, False]
#   value_counts:                [(nan, 1), (nan, 1), (0.5, 1)]
#   rows of a table with NaN as its key, grouped and summed: [(nan, 1), (nan, 2)]
#   a left join on NaN finds:    None
#
# So is_in with NaN finds what was marked by hand, and misses the trials that did diverge; groups, distinct values,
# dictionaries and joins have NaN twice, printed alike. The same holds for 0.0 and -0.0, which equal() calls equal: a
# rate or slope of a grid that was negated meets no row of the other table. The documentation tells how nulls are
# matched, and of NaN nothing; one expects NaN to be found or not, as in polars 2.1.0, where it is found, is one group
# and joins. What helps: is_nan, and to write one NaN, and x + 0.0, into columns that are keys.
#
# Ends with 0 where it is as described, on x86-64. Needs no network but for the installation.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check pyarrow==26.0.1 numpy==2.4.6 polars==2.1.0
cat >"$work/kinds.py" <<'PY'
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

infinity = np.array([np.inf])
with np.errstate(invalid="ignore"):
    (made,) = infinity - infinity
assert np.isnan(made) and np.signbit(made)

losses, written = pa.array([made, np.nan, 0.5]), pa.array([np.nan])
print("diverged, by is_nan:        ", pc.is_nan(losses).to_pylist())
print("diverged, by is_in([NaN]):  ", pc.is_in(losses, value_set=written).to_pylist())
print("value_counts:               ", [tuple(count.values()) for count in pc.value_counts(losses).to_pylist()])
left, right = pa.table({"key": [made, np.nan], "row": [1, 2]}), pa.table({"key": written, "found": [7]})
groups = left.group_by("key", use_threads=False).aggregate([("row", "sum")]).to_pylist()
print("rows of a table with NaN as its key, grouped and summed:", [(g["key"], g["row_sum"]) for g in groups])
matches = left.slice(0, 1).join(right, "key", join_type="left outer")["found"].to_pylist()
print("a left join on NaN finds:   ", *matches)

zeros = pa.array([0.0, -0.0])
assert pc.equal(zeros[0], zeros[1]).as_py() and len(pc.unique(zeros)) == 2

frame = pl.from_arrow(left)
assert pl.from_arrow(losses).is_in([np.nan]).to_list() == [True, True, False]
assert frame.group_by("key").agg(pl.col("row").sum())["row"].to_list() == [3]
assert frame.join(pl.from_arrow(right), on="key")["found"].to_list() == [7, 7]
PY
said=$("$work/venv/bin/python" "$work/kinds.py")
printf '%s\n' "$said"
[ "$said" = "diverged, by is_nan:         [True, True, False]
diverged, by is_in([NaN]):   [False, True, False]
value_counts:                [(nan, 1), (nan, 1), (0.5, 1)]
rows of a table with NaN as its key, grouped and summed: [(nan, 1), (nan, 2)]
a left join on NaN finds:    None" ]
