"""W&B as it is seen from here: whose key we have, what it holds of our runs, and sending files to it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError
from pipeline.tracking.export.request_bodies import SENDING
from pipeline.tracking.export.run_content import BEFORE, DIGEST, Destination, RunContent
from pipeline.tracking.export.streaming import Streaming
from pipeline.tracking.retries import Clock
from pipeline.tracking.wandb_errors import PERMANENT, RefusedError, TroubleError, complaint, status_of
from pipeline.tracking.wandb_files.client_folders import NOT_OURS

RUNS = """query Runs($entity: String!, $project: String!) {
  project(name: $project, entityName: $entity) { internalId runCount }
}"""
FINISHED = ("finished", "failed")


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
