"""The connection to W&B by its public API: whose key it is, and what W&B has of our runs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.tracking.export.request_bodies import SENDING
from pipeline.tracking.export.run_content import DIGEST, OLD_DIGEST, Destination, RunContent
from pipeline.tracking.export.streaming import Streaming
from pipeline.tracking.retries import Clock
from pipeline.tracking.wandb_errors import PERMANENT, RefusedError, TroubleError, as_pipeline_error, status_of
from pipeline.tracking.wandb_files.client_folders import REMOVED_VARIABLES

RUNS = """query Runs($entity: String!, $project: String!) {
  project(name: $project, entityName: $entity) { internalId runCount }
}"""
FINISHED = ("finished", "failed")


@dataclass(frozen=True)
class RemoteRun:
    """A run as W&B has it.

    Args:
        rows: Number of rows, as far as they are counted.
        state: ``running``, ``finished``, ``failed``, ``crashed`` or ``killed``.
        summary: Final values.
        digest: Of the records, in its configuration.
        sending: Nonce of the last sending, in its configuration.
        config: The configuration.
    """

    rows: int
    state: str
    summary: Mapping[str, Any]
    digest: str
    sending: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)

    def is_other(self, content: RunContent) -> bool:
        """Whether it has other records under the same id.

        Args:
            content: The run as it is here.

        Returns:
            True or false.
        """
        if OLD_DIGEST.fullmatch(self.digest):  # says nothing of the records: their last and least values do
            return self.state in FINISHED and not self._is_summed_up(content)
        return self.digest != content.digest

    def is_complete(self, content: RunContent) -> bool:
        """Whether it is all of a run: as many rows, the end, and the summary of what was recorded.

        Args:
            content: The run as it is here.

        Returns:
            True or false.
        """
        counted = self.rows == len(content.rows) and not self.is_other(content)
        return counted and self.state in FINISHED and self._is_summed_up(content)

    def _is_summed_up(self, content: RunContent) -> bool:
        return same(content.recorded_summary, self.summary)


def same(ours: Any, theirs: Any) -> bool:
    """Whether two values are equal; NaN and infinity may come back from W&B as words.

    Args:
        ours: The value here; of a mapping W&B may have more keys.
        theirs: The value there.

    Returns:
        True or false.
    """
    if isinstance(ours, Mapping):
        return isinstance(theirs, Mapping) and all(name in theirs and same(ours[name], theirs[name]) for name in ours)
    if isinstance(ours, float) and not math.isfinite(ours):
        return str(theirs).lower().replace("infinity", "inf") == str(ours)
    return bool(ours == theirs)


class Connection:
    """A connection to W&B.

    Args:
        scratch: Folder for what its client writes while it works; emptied.

    Raises:
        RefusedError: If the key is refused.
        TroubleError: If the server does not answer as it should.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        for name in REMOVED_VARIABLES:
            os.environ.pop(name, None)
        import wandb

        self.requests: Streaming | None = None
        try:
            self.api = wandb.Api()
        except Exception as error:  # the client raises a dozen kinds
            raise as_pipeline_error(error, "W&B") from None

    def streaming(self, url: str, clock: Clock, say: Callable[[str], None]) -> Streaming:
        """The requests that send, with the same key.

        Args:
            url: Of the server.
            clock: Waits for retries.
            say: Told of a rate limit.

        Returns:
            The requests.

        Raises:
            RefusedError: If what is there instead of a key is good for W&B's client only.
        """
        if not self.api.api_key:
            raise RefusedError("an identity token is no key", where="W&B", hint="wandb login, or WANDB_API_KEY")
        self.requests = _streaming(url, self.api.api_key, clock, say)
        return self.requests

    def entity(self) -> str:
        """The default entity of the key."""
        try:
            return str(self.api.default_entity or "")
        except Exception as error:
            raise as_pipeline_error(error, "W&B") from None

    def runs(self, destination: Destination, ids: Sequence[str]) -> dict[str, RemoteRun]:
        """Some runs as W&B lists them, by id; those it does not have are missing.

        Args:
            destination: Entity and project.
            ids: Of the runs.

        Returns:
            By id.

        Raises:
            RefusedError: If it says no.
            TroubleError: If it does not answer as it should.
        """
        self.api.flush()  # the client of wandb 0.31.0 keeps answers
        runs = self.api.runs(destination.label(), filters={"name": {"$in": list(ids)}}, per_page=len(ids), lazy=False)
        try:
            return {run.id: _remote_run(run) for run in runs}
        except Exception as error:
            if "Could not find project" in str(error):
                return {}  # the first run makes it
            raise self._refusal(error, destination) from None

    def _refusal(self, error: Exception, destination: Destination) -> PipelineError:
        """The error of a query: the exception of the client, or, where it has retried in silence, the answer itself."""
        where = {"entity": destination.entity, "project": destination.project}
        silent = status_of(error) is None
        if silent and self.requests is not None and (said := self.requests.refusal_of("Runs", RUNS, where)):
            what = f"W&B does not answer as it should: {said}"
            return TroubleError(what, where=destination.label(), hint="try again later")
        return as_pipeline_error(error, destination.label())

    def run(self, destination: Destination, id_: str) -> RemoteRun | None:
        """One run, by its id and not from a list; nothing if W&B does not have it.

        Args:
            destination: Entity and project.
            id_: Of the run.

        Returns:
            The run, or nothing.

        Raises:
            RefusedError: If it says no.
            TroubleError: If it does not answer as it should.
        """
        self.api.flush()
        try:
            return _remote_run(self.api.run(f"{destination.label()}/{id_}"))
        except Exception as error:
            # Or a server that lists runs and does not show them one by one: then the list has the last word.
            if "Could not find" in str(error) or status_of(error) in PERMANENT:
                return None
            raise as_pipeline_error(error, destination.label()) from None


def check_rate_limit(url: str, clock: Clock, say: Callable[[str], None]) -> None:
    """Ask W&B whether it limits requests now, before its client does, which waits silently for as long as W&B says.

    Raises:
        TroubleError: If it limits requests for longer than anybody waits.
    """
    import wandb

    key = wandb.setup().settings.api_key
    if key:
        _streaming(url, key, clock, say).check_rate_limit()


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


def _remote_run(run: Any) -> RemoteRun:
    digest, sending = (str(run.config.get(name, "")) for name in (DIGEST, SENDING))
    return RemoteRun(run.historyLineCount or 0, run.state, run.summary_metrics or {}, digest, sending, run.config)
