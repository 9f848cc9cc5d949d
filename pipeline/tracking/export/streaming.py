"""Sending a run to W&B in two requests: the first makes it, the second has its rows, its summary and its end.

Not by W&B's client: ``wandb sync`` 0.31.0 takes seven requests a run, and puts the rows of a file after those that the
server counts at that moment, so that what is sent twice stands there twice. Here a row has the place that it has in the
records; sent again, it stands where it stood. What is said is made of the same records as the files for the client.

Source: https://github.com/wandb/wandb, core/internal/runupserter, core/internal/filestream.
"""

from __future__ import annotations

import email.utils
import json
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from pipeline.durations import duration
from pipeline.tracking.export.request_bodies import UPSERT, stream_parts, upsert_variables
from pipeline.tracking.export.run_content import Destination, RunContent
from pipeline.tracking.retries import Clock, client_setting, timeout_seconds
from pipeline.tracking.wandb_errors import TroubleError
from pipeline.tracking.wandb_files.run_records import as_records

LONGEST_RETRY_AFTER_SECONDS = 60.0
"""A server that asks to be left alone for longer is left alone until the next export."""
MOST_RATE_LIMITED = 6
"""How often it may ask to be left alone before it gets one request."""
TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500
RETRY_LATER = "it asks to be left alone for"
RETRY_WAIT_SETTING = "WANDB__GRAPHQL_RETRY_WAIT_MAX_SECONDS"
CONCURRENT_REQUESTS = 16
"""Requests at a time: each waits for its answer."""


class RefusedRunError(Exception):
    """W&B has not done what was asked, and says why."""


class DoubtfulError(Exception):
    """Nobody knows whether W&B has done what was asked."""


@dataclass(frozen=True)
class UpsertedRun:
    """What W&B says when a run is made, or made anew.

    Args:
        rows: How many it has, as far as it has counted them.
        new: Whether there was no such run before.
    """

    rows: int
    new: bool


class Streaming:
    """The two requests.

    Args:
        url: Of the server.
        key: Of the user.
        clock: Waits where W&B asks for patience.
        say: Told of that.
        verify: Whether certificates count.
        headers: Further headers that the user has set for W&B's client.
        proxies: Proxies that the user has set for it, beside those of the environment.
    """

    def __init__(
        self,
        url: str,
        key: str,
        clock: Clock,
        say: Callable[[str], None],
        *,
        verify: bool = True,
        headers: dict[str, str] | None = None,
        proxies: dict[str, str] | None = None,
    ) -> None:
        self.url, self.clock, self.say = url.rstrip("/"), clock, say
        self.session = requests.Session()
        self.session.auth, self.session.verify = ("api", key), verify
        self.session.headers.update({**(headers or {}), "Content-Type": "application/json"})
        self.session.proxies.update(proxies or {})
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=CONCURRENT_REQUESTS))
        self.rate_lock = threading.Lock()
        self.blocked_until = 0.0

    def check_rate_limit(self) -> None:
        """Hear whether W&B wants to be asked anything now: its client would wait for hours, and say nothing.

        Raises:
            TroubleError: If it asks to be left alone for longer than anybody waits.
        """
        said = self.refusal_of("Viewer", "query Viewer { viewer { id } }", {})
        if said.startswith(f"HTTP {TOO_MANY_REQUESTS}"):
            hint = "what has arrived is noted; the same command goes on from there, later"
            raise TroubleError(f"W&B does not want to be asked now: {said}", where=self.url, hint=hint)

    def refusal_of(self, name: str, query: str, variables: dict[str, Any]) -> str:
        """What W&B says to a question instead of an answer; nothing if it answers."""
        question = {"operationName": name, "query": query, "variables": variables}
        try:
            self._post("/graphql", question, tries=1)
        except (RefusedRunError, DoubtfulError) as error:
            return str(error)
        return ""

    def open(self, content: RunContent, destination: Destination, sending: str) -> UpsertedRun:
        """Make a run, without rows; one that is there keeps its own.

        Args:
            content: The run, under the id that it gets.
            destination: Where to.
            sending: A word that its configuration gets.

        Raises:
            RefusedRunError: If W&B says no.
            DoubtfulError: If it does not answer.
        """
        variables = upsert_variables(as_records(content, destination), sending)
        query = {"operationName": "UpsertBucket", "query": UPSERT, "variables": variables}
        answer = self._post("/graphql", query, tries=1 + int(client_setting("WANDB__GRAPHQL_RETRY_MAX")))
        made = (answer.get("data") or {}).get("upsertBucket")
        if not made:
            raise RefusedRunError(f"HTTP 200: {message_of(answer)}")
        return UpsertedRun(made["bucket"].get("historyLineCount") or 0, bool(made.get("inserted")))

    def send(self, content: RunContent, destination: Destination, first_row: int) -> None:
        """Send rows from one on, and the end of the run.

        Raises:
            RefusedRunError: If W&B says no.
            DoubtfulError: If it does not answer, or says that something broke: the rows may be there.
        """
        place = "/".join(quote(part, safe="") for part in (destination.entity, destination.project, content.id))
        for part in stream_parts(list(as_records(content, destination, first_row)), first_row):
            self._post(f"/files/{place}/file_stream", part, tries=1)

    def _post(self, path: str, content: dict[str, Any], tries: int) -> dict[str, Any]:
        """Ask something, again where W&B has not answered or not listened."""
        data = json.dumps(content).encode()
        rate_limited = 0
        while True:
            self._wait_for_rate_limit()
            tries -= 1
            try:
                response = self.session.post(self.url + path, data, timeout=timeout_seconds())
            except requests.RequestException as error:
                said = f"no answer: {_reason(error)}"
            else:
                if response.status_code < 400:
                    return _json(response)
                said = f"HTTP {response.status_code}: {message_of(_json(response) or response.text)}"
                if response.status_code == TOO_MANY_REQUESTS and rate_limited < MOST_RATE_LIMITED:
                    self._honour_retry_after(said, response.headers.get("Retry-After"), 2.0 * 4**rate_limited)
                    rate_limited, tries = rate_limited + 1, tries + 1
                    continue
                if response.status_code < SERVER_ERROR:
                    raise RefusedRunError(said)
            if not tries:
                raise DoubtfulError(said)
            self.clock.sleep(min(1.0, client_setting(RETRY_WAIT_SETTING)))

    def _wait_for_rate_limit(self) -> None:
        """Let the time pass for which W&B has asked to be left alone, whichever request it said so to."""
        while (seconds := self.blocked_until - self.clock.now()) > 0:
            self.clock.sleep(seconds)

    def _honour_retry_after(self, said: str, asked: str | None, otherwise: float) -> None:
        """Leave W&B alone for as long as it asks, if that is not too long.

        Raises:
            RefusedRunError: If it is.
        """
        seconds = retry_after_seconds(asked, self.clock.now())
        if seconds is not None and seconds > LONGEST_RETRY_AFTER_SECONDS:
            raise RefusedRunError(f"{said} ({RETRY_LATER} {duration(seconds)})")
        seconds = min(otherwise, client_setting(RETRY_WAIT_SETTING)) if seconds is None else seconds
        with self.rate_lock:
            now = self.clock.now()
            if self.blocked_until <= now:
                self.blocked_until = now + seconds
                self.say(f"W&B asks for patience (HTTP 429); going on in {duration(seconds)}")


def retry_after_seconds(asked: str | None, now: float) -> float | None:
    """The seconds that a header ``Retry-After`` asks for, which may be a date."""
    if not asked:
        return None
    try:
        seconds = float(asked)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        return max(0.0, email.utils.parsedate_to_datetime(asked).timestamp() - now)
    except ValueError:
        return None


def message_of(answer: Any) -> str:
    """The server's own words in what it answers."""
    if isinstance(answer, dict):
        said = answer.get("errors") or answer.get("error") or answer.get("message") or answer
        return message_of(said) if said is not answer else json.dumps(answer)[:300]
    if isinstance(answer, list):
        return "; ".join(message_of(one) for one in answer)[:300]
    return " ".join(str(answer).split())[:300]


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _reason(error: requests.RequestException) -> str:
    """Why there is no answer, in the words of the network."""
    cause = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    return " ".join(str(cause).split())[:200] or type(error).__name__
