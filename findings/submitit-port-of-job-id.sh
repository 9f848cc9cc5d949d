#!/usr/bin/env bash
# submitit 1.5.4: TorchDistributedEnvironment, its helper for parallel training, takes the port at which processes meet
# from the job id alone, between 20000 and 60000. So
#   - a job that is requeued gets the very port again that was taken when it failed;
#   - two in three ports are among those that Linux hands out by itself as the near ends of connections
#     (net.ipv4.ip_local_port_range, 32768 to 60999 as it comes), so that any program on the node may have one.
# Seen with Python 3.11.7: "job 4711: port {33597} at each start", "68.5% of 10000 jobs have a port that Linux
# hands out".
#
# Ends with 0 where it is as described. Needs no cluster: submitit reads what SLURM sets in a job.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check submitit==1.5.4
"$work/venv/bin/python" - <<'PYTHON'
import os

from submitit.helpers import TorchDistributedEnvironment

os.environ |= {"SUBMITIT_EXECUTOR": "slurm", "SLURM_NTASKS": "2", "SLURM_JOB_NUM_NODES": "2", "SLURM_PROCID": "0"}
os.environ |= {"SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_JOB_NODELIST": "n[1-2]"}
os.environ.pop("MASTER_PORT", None)


def port(job: int, restarts: int) -> int:
    os.environ |= {"SLURM_JOB_ID": str(job), "SLURM_RESTART_COUNT": str(restarts)}
    return TorchDistributedEnvironment().master_port


starts = {port(4711, restarts) for restarts in range(5)}
print(f"job 4711: port {starts} at each start")
assert len(starts) == 1
share = sum(32768 <= port(job, 0) <= 60999 for job in range(1, 10001)) / 10000
print(f"{share:.1%} of 10000 jobs have a port that Linux hands out")
assert 0.6 < share < 0.75
PYTHON
