#!/usr/bin/env bash
# altair 6.3.0 cannot be imported by a user whom the system does not know and who has no HOME: a bare uid, as batch jobs
# have in containers and on nodes whose directory service is away. Seen with Python 3.11.7:
#
#   File ".../altair/datasets/_cache.py", line 304, in DatasetCache
#   RuntimeError: Could not determine home directory.
#
# The default of os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache") is computed when the class is made, so that
# XDG_CACHE_HOME does not help, though no example dataset is asked for. vl-convert-python 1.9.0.post1, which draws the
# charts, imports without a home. With HOME set to any folder altair does too.
#
# Ends with 0 where it is as described. Needs setpriv and root, or user namespaces (unshare of util-linux).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check altair==6.3.0 vl-convert-python==1.9.0.post1

as_a_number() { # as_a_number VARIABLES... -- PROGRAM: run a program as uid 54321, which no account has
    local variables=()
    while [[ $1 != -- ]]; do variables+=("$1") && shift; done
    local who=(unshare --user --map-user=54321)
    if ((EUID == 0)); then
        who=(setpriv --reuid=54321 --clear-groups --inh-caps=+dac_override,+dac_read_search
            --ambient-caps=+dac_override,+dac_read_search)
    fi
    "${who[@]}" env -i PATH="$PATH" "${variables[@]}" "$work/venv/bin/python" -B -c "$2" 2>&1
}

as_a_number -- 'import vl_convert, os; print("vl-convert imports for uid", os.getuid())'
for variables in "" "XDG_CACHE_HOME=/tmp"; do
    said=$(as_a_number ${variables:+"$variables"} -- 'import altair' || true)
    echo "${variables:-nothing set}: ${said##*$'\n'}"
    [[ $said == *"RuntimeError: Could not determine home directory."* ]]
done
as_a_number HOME=/tmp -- 'import altair; print("HOME=/tmp: altair", altair.__version__, "imports")'
