"""A run is sent to W&B in two requests: an upsert (GraphQL), and a file stream with its rows, its summary and its end.

Not by W&B's client: ``wandb sync`` 0.31.0 takes seven requests a run, and appends the rows of a file to those that the
server counts at that moment, so that rows sent twice are there twice. Here the offset of a row is its place in the
records: sent again, it replaces itself. Both requests are made of the records of which the client's files are made.

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
"""A longer ``Retry-After`` is not waited for: the next export sends the rest."""
MOST_RATE_LIMITED = 6
"""How often one request may be answered by HTTP 429."""
TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500
RETRY_LATER = "it allows a retry in"
RETRY_WAIT_SETTING = "WANDB__GRAPHQL_RETRY_WAIT_MAX_SECONDS"
CONCURRENT_REQUESTS = 16
"""Requests in flight at a time."""


class RefusedRunError(Exception):
    """W&B has refused a request, and says why."""


class DoubtfulError(Exception):
    """A request without an answer, or with HTTP 5xx: it may have been carried out."""


@dataclass(frozen=True)
class UpsertedRun:
    """The answer to an upsert.

    Args:
        rows: How many rows the run has, as far as W&B has counted them.
        new: Whether there was no such run before.
    """

    rows: int
    new: bool


class Streaming:
    """The two requests, over connections that are kept, with retries and the server's rate limit.

    Args:
        url: Of the server.
        key: API key of the user.
        clock: Waits for retries.
        say: Told of a rate limit.
        verify: Whether certificates are verified.
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
        """Ask whether W&B limits requests now, before its client of wandb 0.31.0 waits for hours, and says nothing.

        Raises:
            TroubleError: If it limits them for longer than anybody waits.
        """
        said = self.refusal_of("Viewer", "query Viewer { viewer { id } }", {})
        if said.startswith(f"HTTP {TOO_MANY_REQUESTS}"):
            hint = "what has arrived is noted; the same command goes on from there, later"
            raise TroubleError(f"W&B limits requests now: {said}", where=self.url, hint=hint)

    def refusal_of(self, name: str, query: str, variables: dict[str, Any]) -> str:
        """The error with which W&B answers a GraphQL query; empty if it answers it.

        Args:
            name: Of the operation.
            query: In GraphQL.
            variables: Of the query.

        Returns:
            The HTTP status with the server's message.
        """
        question = {"operationName": name, "query": query, "variables": variables}
        try:
            self._post("/graphql", question, tries=1)
        except (RefusedRunError, DoubtfulError) as error:
            return str(error)
        return ""

    def upsert(self, content: RunContent, destination: Destination, sending: str) -> UpsertedRun:
        """Upsert a run, without rows; one that is there keeps its own.

        Args:
            content: The run, under the id that it gets.
            destination: Entity and project.
            sending: The nonce that its configuration gets.

        Returns:
            What W&B has of it now.

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
        """Stream the rows of a run from one on, its summary and its end.

        Args:
            content: The run, under the id that it has there.
            destination: Entity and project.
            first_row: The offset of the first row that is sent.

        Raises:
            RefusedRunError: If W&B says no.
            DoubtfulError: If it does not answer, or says that something broke: the rows may be there.
        """
        place = "/".join(quote(part, safe="") for part in (destination.entity, destination.project, content.id))
        for part in stream_parts(list(as_records(content, destination, first_row)), first_row):
            self._post(f"/files/{place}/file_stream", part, tries=1)

    def _post(self, path: str, content: dict[str, Any], tries: int) -> dict[str, Any]:
        """Post JSON, again after a rate limit and, where ``tries`` are left, after no answer or HTTP 5xx."""
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
        """Wait until requests are allowed again; the limit is of the account, whichever request met it."""
        while (seconds := self.blocked_until - self.clock.now()) > 0:
            self.clock.sleep(seconds)

    def _honour_retry_after(self, said: str, header: str | None, otherwise: float) -> None:
        """Set the time of the next request after an HTTP 429.

        Args:
            said: The answer.
            header: Its header ``Retry-After``.
            otherwise: Seconds to wait if it has none.

        Raises:
            RefusedRunError: If that is too late to wait for.
        """
        seconds = retry_after_seconds(header, self.clock.now())
        if seconds is not None and seconds > LONGEST_RETRY_AFTER_SECONDS:
            raise RefusedRunError(f"{said} ({RETRY_LATER} {duration(seconds)})")
        seconds = min(otherwise, client_setting(RETRY_WAIT_SETTING)) if seconds is None else seconds
        with self.rate_lock:
            now = self.clock.now()
            if self.blocked_until <= now:
                self.blocked_until = now + seconds
                self.say(f"W&B limits requests (HTTP 429); retrying in {duration(seconds)}")


def retry_after_seconds(header: str | None, now: float) -> float | None:
    """The seconds of a header ``Retry-After``, which is a number or a date (RFC 9110, section 10.2.3).

    Args:
        header: The header.
        now: In seconds since 1970.

    Returns:
        From now on, not below 0; ``None`` where there is no such header or it is neither.
    """
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        pass
    else:
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - now)
    except ValueError:
        return None


def message_of(answer: Any) -> str:
    """The message of an error in an answer, which may be JSON of several shapes, or text."""
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
