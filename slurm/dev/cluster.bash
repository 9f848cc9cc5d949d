# What `up`, `down` and `daemon` share: where the cluster lies, and how each daemon is started, asked and ended.
# shellcheck shell=bash

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
checkout=$(cd "$here/../.." && pwd -P)
link=$checkout/.slurm
PATH=$PATH:/usr/sbin:/sbin # an ordinary user's PATH lacks the daemons
unset "${!SLURM@}" "${!SBATCH@}" "${!SACCT@}" "${!SINFO@}" "${!SQUEUE@}" # the caller's own cluster, or a job it runs in

# The cluster of this checkout: its private folder, or nothing.
find_cluster() {
    root=$(readlink "$link" 2>/dev/null) || root=
    if [[ $root ]]; then export SLURM_CONF=$root/slurm.conf; fi
}

with_accounting() { grep -q '^AccountingStorageType=' "$root/slurm.conf"; }

daemons() {
    if with_accounting; then echo munged mariadbd slurmdbd slurmctld dev1 dev2; else echo munged slurmctld dev1 dev2; fi
}

# DEV_DAEMON tells a daemon of this cluster from any other process that has its number now.
# No daemon may inherit the lock of `up` (file descriptor 9) or its stderr (7).
launch() {
    env -i PATH="$PATH" HOME="$root" SLURM_CONF="$SLURM_CONF" DEV_DAEMON="$root" MYSQL_UNIX_PORT="$root/database.socket" \
        "$@" >>"$root/log/$name.log" 2>&1 </dev/null 7>&- 9<&-
}

begin() {
    local name=$1
    case $name in
    munged)
        # --force: the folder is private, which munged takes for out of everyone's reach.
        launch munged --force --num-threads=4 --key-file="$root/munge/key" --socket="$root/munge/socket" \
            --pid-file="$root/run/munged.pid" --log-file="$root/log/munged.log" --seed-file="$root/munge/seed"
        ;;
    mariadbd) launch setsid --fork mariadbd "${database[@]}" --datadir="$root/database" --socket="$root/database.socket" --pid-file="$root/run/mariadbd.pid" ;;
    slurmdbd | slurmctld) launch "$name" ;;
    dev1 | dev2) launch slurmd -N "$name" ;;
    esac
}

# Whether a daemon does its work, not only runs.
answers() {
    case $1 in
    munged) munge --no-input --socket="$root/munge/socket" ;;
    mariadbd) [[ -S $root/database.socket && -s $root/run/mariadbd.pid ]] ;;
    slurmdbd) sacctmgr --noheader --parsable2 list cluster ;;
    slurmctld) scontrol ping | grep -q 'is UP' ;;
    # By scontrol: sinfo of SLURM 22.05 may count a job long after its end, and then says mix of a node that is down.
    dev1 | dev2) process_of "$1" && scontrol --oneliner show node "$1" | grep -qE ' State=(IDLE|MIXED|ALLOCATED)(\+COMPLETING)? ' ;;
    esac >/dev/null 2>&1
}

within() { # within SECONDS COMMAND...: try until it succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        if ((SECONDS >= end)); then return 1; fi
        sleep 0.05
    done
}

# The process of a daemon; a pid file may be older than the process that has its number now.
process_of() {
    local pid
    pid=$(cat "$root/run/$1.pid" 2>/dev/null) && is_daemon "$pid" && echo "$pid"
}

is_daemon() { grep -qzFx "DEV_DAEMON=$root" "/proc/$1/environ" 2>/dev/null; }

# Snapshot isolation is on from MariaDB 11.8 on, and slurmdbd 26.05 wants it off; older ones do not know the word.
database=(
    --no-defaults --user="$(id -un)" --skip-grant-tables --skip-networking --skip-log-bin
    --innodb-log-file-size=4M --innodb-buffer-pool-size=64M --innodb-flush-log-at-trx-commit=0 --performance-schema=OFF
    --loose-innodb-snapshot-isolation=OFF
)

# All daemons and the processes of their jobs. Daemons and the steps of jobs are known by the log that they hold
# open (a step's title overwrites its variables); what a step started is found as its descendants.
members() {
    local -A member=()
    local pid parent grown=1 parents
    for pid in $(find /proc/[0-9]*/fd -lname "$root/log/*" 2>/dev/null | cut -d/ -f3 | sort -u); do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
        munged | mariadbd | slurm*) member[$pid]=1 ;;
        esac
    done
    parents=$(ps -e -o pid=,ppid=)
    while ((grown)); do
        grown=0
        while read -r pid parent; do
            if [[ ${member[$parent]-} && ! ${member[$pid]-} ]]; then member[$pid]=1 grown=1; fi
        done <<<"$parents"
    done
    echo "${!member[@]}"
}

end_all() {
    local pids
    for _ in {1..50}; do
        pids=$(members)
        if [[ ! $pids ]]; then return 0; fi
        # shellcheck disable=SC2086
        kill -KILL $pids 2>/dev/null || true
        sleep 0.05
    done
    echo "some processes do not end: $pids" >&2
    return 1
}

# Nothing here is worth a gentle end: the folder goes with the processes.
take_down() {
    if [[ ! $root ]]; then return 0; fi
    if [[ ${root##*/} != slurm-dev.* ]]; then
        echo "$link points at $root, which is not a cluster's folder; remove the link" >&2
        return 1
    fi
    end_all
    unname_nodes
    rm -rf "$root"
    rm -f "$link"
}

# Node names must resolve where the processes of one job meet over the network.
mark="# slurm/dev of $checkout"

name_nodes() {
    if [[ -w /etc/hosts ]]; then
        edit_hosts "127.0.0.1 dev1 dev2 $mark"
    elif ! getent hosts dev1 dev2 >/dev/null; then
        echo "dev1 and dev2 do not resolve, and /etc/hosts cannot be written: jobs over both nodes will not meet" >&2
    fi
}

unname_nodes() {
    if [[ -w /etc/hosts ]] && grep -qF "$mark" /etc/hosts; then edit_hosts; fi
}

# Written in place: in a container the file is a mount that cannot be replaced.
edit_hosts() {
    (
        flock 8
        local others
        others=$(grep -vF "$mark" /etc/hosts)
        printf '%s\n' "$others" "$@" >/etc/hosts
    ) 8</etc/hosts
}
