#!/usr/bin/env bash
# psij-python 0.9.11 cannot read what squeue says while a job waits for a reason of several words. It asks for three
# columns and splits each line at its spaces, but the reason has spaces itself and is cut off after 20 characters. Seen
# with Debian's SLURM 22.05.8 and Python 3.11.7, the lines of squeue and what is read from them:
#
#   1                   PD                  JobHeldUser
#   {'1': 'QUEUED'}
#   2                   PD                  Nodes required for j
#   1                   PD                  JobHeldUser
#   AssertionError
#
# SLURM gives such a reason whenever the nodes that a job could have are down, drained or reserved ("Nodes required for
# job are DOWN, DRAINED or reserved for jobs in higher priority partitions", "ReqNodeNotAvail, UnavailableNodes:n1").
# PSI/J asks for all jobs of the user (--me): while one of them waits for a drained node, by whatever means it was sent,
# PSI/J learns nothing of any other, and its jobs neither become active nor end for its program. It warns in the log and
# asks again. One expects the words of a scheduler to be read; squeue -o with a sign between the columns would do.
#
# Ends with 0 where it is as described. Needs Debian 12 (apt-get, dpkg-deb), from which the packages of SLURM are
# unpacked into a temporary folder; slurmctld listens on the loopback address, and there is no slurmd.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${slurmctld:-}" 2>/dev/null && wait; rm -rf "$work"' EXIT
chmod 755 "$work"
(cd "$work" && for package in slurmctld slurm-client slurm-wlm-basic-plugins; do
    apt-get download -qq "$package=22.05.8-4+deb12u3" 2>/dev/null
    dpkg-deb -x "$package"_*.deb "$work/slurm"
done)
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check psij-python==0.9.11

plugins=$work/slurm/usr/lib/x86_64-linux-gnu/slurm-wlm
export LD_LIBRARY_PATH=$plugins SLURM_CONF=$work/slurm.conf
export PATH=$work/slurm/usr/bin:$work/slurm/usr/sbin:$PATH
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$work/state" "$work/spool"
cat >"$SLURM_CONF" <<CONF
ClusterName=alone
SlurmctldHost=$(hostname)(127.0.0.1)
CommunicationParameters=NoCtldInAddrAny
SlurmUser=$(id -un)
SlurmctldPort=$port
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/pgid
SelectType=select/cons_tres
PluginDir=$plugins
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmctldLogFile=$work/slurmctld.log
NodeName=n1 NodeAddr=127.0.0.1 State=UNKNOWN
PartitionName=main Nodes=n1 Default=YES State=UP
CONF
timeout 300 slurmctld-wlm -D 2>"$work/slurmctld.err" &
slurmctld=$!
within() { # within SECONDS COMMAND...: wait until it succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS > end)); then echo "not within time: $*" >&2 && cat "$work/slurmctld.log" >&2 && return 1; fi
        sleep 0.2
    done
}
reason() { [[ $(squeue --noheader --jobs "$1" --format %r) == "$2"* ]]; }
within 60 scontrol ping
sbatch() { command sbatch --parsable --output=/dev/null --chdir=/ --wrap true "$@"; }

cat >"$work/read.py" <<'PY'
import subprocess

import psij

executor = psij.JobExecutor.get_instance("slurm")
said = subprocess.run(executor.get_status_command([]), capture_output=True, text=True, check=True).stdout
try:
    states = executor.parse_status_output(0, said)
    read = {job: status.state.name for job, status in states.items()}
except AssertionError:
    read = "AssertionError"
print(*(line.rstrip() for line in said.splitlines()[1:]), read, sep="\n")
PY
held=$(sbatch --hold)
within 60 reason "$held" JobHeldUser
first=$(HOME=$work "$work/venv/bin/python" "$work/read.py")
waits=$(sbatch)
within 60 reason "$waits" "Nodes required for job are DOWN"
second=$(HOME=$work "$work/venv/bin/python" "$work/read.py")
printf '%s\n' "$first" "$second"
[[ $first == *"
{'$held': 'QUEUED'}" && $second == *"Nodes required for j"*"
AssertionError" ]]
