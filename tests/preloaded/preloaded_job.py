"""Stands for the Python of a job: ``python -IS preloaded_job.py SOCKET [-u] -m MODULE WORD...``.

The module runs in a process that is forked from one that has loaded the libraries. This one passes its signals on to
that, is killed with it and ends as it does; if this one is killed, that one is.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

PASSED_ON = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT}


def main(address: str, *options: str) -> None:
    """Have a module run elsewhere, with the pipes, the folder and the environment of this process."""
    module_follows, module, *words = options[options[0] == "-u" :]
    assert module_follows == "-m"
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until it is known whom they are for
    control, theirs = socket.socketpair()
    umask = os.umask(0)
    asked = {"module": module, "words": words, "cwd": str(Path.cwd()), "env": dict(os.environ), "umask": umask}
    asked |= {"program": "", "new_session": False, "leash": True}
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server, theirs:
        server.connect(address)
        rights = array.array("i", [0, 1, 2, theirs.fileno()])
        server.sendmsg([json.dumps(asked).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        process = told(control)  # before the connection closes: the last one to close ends the process that forks
    for number in PASSED_ON:
        signal.signal(number, lambda number, _: pass_on(process, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    code = told(control)
    if code < 0:
        if -code in PASSED_ON:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def pass_on(process: int, number: int) -> None:
    """Send the process a signal, unless it has just ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def told(control: socket.socket) -> int:
    """A number from the other side: first of the process, then how it ended."""
    return int.from_bytes(control.recv(4), "little", signed=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
