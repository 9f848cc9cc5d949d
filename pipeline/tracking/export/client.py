"""W&B as it is seen from here: whose key we have, what it holds of our runs, and sending files to it."""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.durations import duration
from pipeline.errors import PipelineError
from pipeline.records.atomic_writes import naming
from pipeline.tracking.export.run_content import BEFORE, DIGEST, Destination, RunContent
from pipeline.tracking.export.streaming import SENDING, Streaming
from pipeline.tracking.reachability import RefusedError, TroubleError
from pipeline.tracking.retries import LIMITS, Clock
from pipeline.tracking.settings import OF_ONE_RUN

NOT_OURS = (*OF_ONE_RUN, "WANDB_MODE")
"""Variables that are not for the client: what they say, our runs say themselves."""
PLACES = ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_ARTIFACT_DIR")
"""Folders that the client writes to; on a compute node those of the user may be out of reach."""

MOST_SECONDS = 125.0
"""How long the client may take to send a run before it is ended."""
RUNS = """query Runs($entity: String!, $project: String!) {
  project(name: $project, entityName: $entity) { internalId runCount }
}"""
FINISHED = ("finished", "failed")
NO_ACCESS = (401, 403, 404)
"""Answers that are about who asks where, so that every run gets them; a 400 is about one run."""
PERMANENT = (400, 401, 403, 404)
"""Answers that do not change by asking again."""


@dataclass(frozen=True)
class Held:
    """What W&B holds of a run."""

    rows: int
    state: str
    summary: Mapping[str, Any]
    digest: str
    sending: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)

    def is_other(self, content: RunContent) -> bool:
        """Whether it is a run of other records under the same id."""
        if BEFORE.fullmatch(self.digest):  # says nothing of the records: their last and least values do
            return self.state in FINISHED and not self._is_summed_up(content)
        return self.digest != content.digest

    def is_whole(self, content: RunContent) -> bool:
        """Whether it is all of a run: as many rows, the end, and the summary of what was recorded."""
        counted = self.rows == len(content.rows) and not self.is_other(content)
        return counted and self.state in FINISHED and self._is_summed_up(content)

    def _is_summed_up(self, content: RunContent) -> bool:
        return same(content.recorded_summary, self.summary)


def same(ours: Any, theirs: Any) -> bool:
    """Whether W&B has a value as we do; NaN and infinity may come back as words."""
    if isinstance(ours, Mapping):
        return isinstance(theirs, Mapping) and all(name in theirs and same(ours[name], theirs[name]) for name in ours)
    if isinstance(ours, float) and not math.isfinite(ours):
        return str(theirs).lower().replace("infinity", "inf") == str(ours)
    return bool(ours == theirs)


class Remote:
    """A connection to W&B.

    Args:
        scratch: Folder for what its client writes while it works; emptied.

    Raises:
        RefusedError: If the key is refused.
        TroubleError: If the server does not answer as it should.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        for name in NOT_OURS:
            os.environ.pop(name, None)
        import wandb

        self.asking: Streaming | None = None
        try:
            self.api = wandb.Api()
        except Exception as error:  # the client raises a dozen kinds
            raise complaint(error, "W&B") from None

    def streaming(self, url: str, clock: Clock, say: Callable[[str], None]) -> Streaming:
        """The connection to send by, with the same key.

        Raises:
            RefusedError: If what is there instead of a key is good for W&B's client only.
        """
        if not self.api.api_key:
            raise RefusedError("an identity token is no key", where="W&B", hint="wandb login, or WANDB_API_KEY")
        self.asking = _streaming(url, self.api.api_key, clock, say)
        return self.asking

    def entity(self) -> str:
        """The entity that the key writes to if nobody says another."""
        try:
            return str(self.api.default_entity or "")
        except Exception as error:
            raise complaint(error, "W&B") from None

    def held(self, destination: Destination, ids: Sequence[str]) -> dict[str, Held]:
        """What W&B holds of some runs, by id; those it does not have are missing.

        Raises:
            RefusedError: If it says no.
            TroubleError: If it does not answer as it should.
        """
        self.api.flush()  # it would answer from memory what was asked before
        runs = self.api.runs(destination.label(), filters={"name": {"$in": list(ids)}}, per_page=len(ids), lazy=False)
        try:
            return {run.id: _held(run) for run in runs}
        except Exception as error:
            if "Could not find project" in str(error):
                return {}  # the first run makes it
            raise self._complaint(error, destination) from None

    def _complaint(self, error: Exception, destination: Destination) -> PipelineError:
        """What is wrong with a question: the client, which tries again for long, may not say what it was told."""
        where = {"entity": destination.entity, "project": destination.project}
        said = self.asking.said_to("Runs", RUNS, where) if status_of(error) is None and self.asking is not None else ""
        if said:
            what = f"W&B does not answer as it should: {said}"
            return TroubleError(what, where=destination.label(), hint="try again later")
        return complaint(error, destination.label())

    def one(self, destination: Destination, id_: str) -> Held | None:
        """What W&B holds of one run, asked for by its id and not by a list.

        Raises:
            RefusedError: If it says no.
            TroubleError: If it does not answer as it should.
        """
        self.api.flush()
        try:
            return _held(self.api.run(f"{destination.label()}/{id_}"))
        except Exception as error:
            # Or a server that lists runs and does not show them one by one: then the list has the last word.
            if "Could not find" in str(error) or status_of(error) in PERMANENT:
                return None
            raise complaint(error, destination.label()) from None

    def send(self, file: Path) -> str:
        """Send a transaction log by W&B's client; what comes back is only what went wrong, in the server's words.

        That nothing went wrong does not mean that it has arrived: ``wandb sync`` ends well after every request was
        refused.
        """
        logs = self.scratch / "wandb" / "logs"
        shutil.rmtree(logs, ignore_errors=True)
        words = ["sync", "--include-synced", str(file.resolve())]
        said = self.scratch / "said"
        with said.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "wandb", *words],
                cwd=self.scratch,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,  # no session: Linux would weigh it against a training beside it, whatever our nice
                preexec_fn=_end_with_parent,
            )
            note_sender(self.scratch.parent, process.pid)
            try:
                process.wait(MOST_SECONDS)
            except subprocess.TimeoutExpired:
                told = wrong(logs, [file]).get(file, "W&B has not said why")
                return f"{told}; it took longer than {duration(MOST_SECONDS)}, and was ended"
            finally:
                process.kill()
                process.wait()
        if process.returncode:
            said_last = " ".join(said.read_text(errors="replace").split()[-60:])
            return f"wandb sync ends with {process.returncode}: {said_last}"
        return wrong(logs, [file]).get(file, "")


def hear(url: str, clock: Clock, say: Callable[[str], None]) -> None:
    """Hear whether W&B wants to be asked anything now, before its client asks, which is silent for as long as W&B says.

    Raises:
        TroubleError: If it asks to be left alone for longer than anybody waits.
    """
    import wandb

    key = wandb.setup().settings.api_key
    if key:
        _streaming(url, key, clock, say).hear()


def _streaming(url: str, key: str, clock: Clock, say: Callable[[str], None]) -> Streaming:
    import wandb

    settings = wandb.setup().settings
    proxies = {"http": settings.http_proxy, "https": settings.https_proxy}
    return Streaming(
        url,
        key,
        clock,
        say,
        verify=not settings.insecure_disable_ssl,
        headers=settings.x_extra_http_headers,
        proxies={scheme: proxy for scheme, proxy in proxies.items() if proxy},
    )


def _held(run: Any) -> Held:
    digest, sending = (str(run.config.get(name, "")) for name in (DIGEST, SENDING))
    return Held(run.historyLineCount or 0, run.state, run.summary_metrics or {}, digest, sending, run.config)


@contextmanager
def client_at(folder: Path) -> Iterator[Path]:
    """Have W&B's client keep its files in a folder that is emptied, whatever home is like; gives that folder.

    Its service takes over the environment when it starts, which asking for a key may do.
    """
    scratch = folder / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    before = dict(os.environ)
    os.environ.update(environment(scratch))
    try:
        yield scratch
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(scratch, ignore_errors=True)
        (folder / "sender").unlink(missing_ok=True)


def environment(scratch: Path) -> dict[str, str]:
    """The variables under which W&B's client runs: the user's, but that its files lie where they can be written."""
    place = str(scratch.resolve())
    settings = {} if _has_settings() else {"WANDB_CONFIG_DIR": place}
    return {**LIMITS, **settings, **os.environ, **dict.fromkeys(PLACES, place)}


def _has_settings() -> bool:
    """Whether the user has settings of W&B's client at home, if there is a home."""
    try:
        return Path("~/.config/wandb").expanduser().exists()
    except (RuntimeError, OSError):
        return False


def wrong(logs: Path, files: Sequence[Path]) -> dict[Path, str]:
    """What the client's log says went wrong with each file: the server's last refusal and its words, else an error."""
    names = {str(file.resolve()): file for file in files}
    statuses: dict[Path, str] = {}
    words: dict[Path, str] = {}
    for path in sorted(logs.glob("debug-sync*.log")):
        for line in path.read_text(errors="replace").splitlines():
            entry = _parsed(line)
            file, status = names.get(str(entry.get("sync_path", ""))), str(entry.get("status", ""))[:3]
            failed = status.isdecimal() and int(status) >= 400
            if file is None or not (failed or entry.get("level") == "ERROR"):
                continue
            if failed:
                statuses[file] = f"HTTP {status}: "
            if said := _said(entry):
                words[file] = said
            else:
                words.setdefault(file, str(entry.get("msg", "")))
    return {file: statuses.get(file, "") + said for file, said in words.items()}


def _said(entry: Mapping[str, Any]) -> str:
    """The words of the server, or of an error, in a line of the client's log; nothing if it has none."""
    text = " ".join(str(entry.get("body") or entry.get("error") or "").split())
    message = re.search(r'"message":\s*"((?:[^"\\]|\\.)*)"', text)
    return (message[1] if message else text)[:300]


def _parsed(line: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def status_of(error: BaseException | None) -> int | None:
    """The HTTP status behind an exception of the client, if there is one."""
    while error is not None:
        response = getattr(error, "response", None)
        status = getattr(response, "http_status", None) or getattr(response, "status_code", None)
        if status:
            return int(status)
        error = getattr(error, "exc", None) or error.__cause__
    return None


def complaint(error: Exception, where: str) -> PipelineError:
    """An exception of the client in the words of this project."""
    status, words = status_of(error), " ".join(str(error).split())[:300]
    said = words if status is None or str(status) in words else f"HTTP {status}: {words}"
    if status == 401 or "API key" in words:
        return RefusedError(f"the key is refused: {said}", where=where, hint="wandb login --relogin, or WANDB_API_KEY")
    if status in (403, 404):
        hint = "ask for access, or name another: --set tracking.entity=... --set tracking.project=..."
        return RefusedError(f"no access: {said}", where=where, hint=hint)
    if status in PERMANENT:
        return RefusedError(f"W&B refuses the question: {said}", where=where, hint="another version of wandb may help")
    return TroubleError(f"W&B does not answer as it should: {said}", where=where, hint="try again later")


def parsed(spec: str, what: str, where: str) -> dict[str, Any]:
    """The content of a page of W&B.

    Raises:
        RefusedError: If it is not that of a page.
    """
    try:
        content = json.loads(spec)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        hint = "open it there and save it, or delete it: it is made again"
        raise RefusedError(f"what W&B has of the {what} is not JSON", where=where, hint=hint)
    return content


# A sender that outlives the sync that started it would send the same rows beside the next one.


def _end_with_parent() -> None:
    """Have the kernel end this process when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def note_sender(folder: Path, pid: int) -> None:
    """Write down which process sends."""
    path = folder / "sender"
    with naming(path):
        path.write_text(f"{pid} {platform.node()}\n")


def end_left_sender(folder: Path) -> None:
    """End the processes of a sender that an export has left behind when it was killed, on this machine."""
    path = folder / "sender"
    if not path.exists():
        return
    pid, _, host = path.read_text().strip().partition(" ")
    if host == platform.node():
        for process in _sending_for(pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
    path.unlink(missing_ok=True)


def _sending_for(pid: str) -> Iterator[int]:
    """The client of that process id, and the service that it has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        service = any("wandb-core" in word for word in words[:1]) and f"--pid\0{pid}\0" in "\0".join(words)
        client = folder.name == pid and "wandb" in words and "sync" in words
        if service or client:
            yield int(folder.name)
