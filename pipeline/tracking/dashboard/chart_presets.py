"""The specifications of custom charts on W&B, which it calls presets: made once, and never changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.tracking.dashboard.custom_charts import CustomChart
from pipeline.tracking.wandb_errors import RefusedError, as_pipeline_error, status_of

ALREADY_EXISTS = re.compile(r"already|duplicate|not unique", re.IGNORECASE)
"""How a server may say that there is one of that name."""
SERVER_MESSAGE_PREFIX = "input:"
"""How the client begins what a server has said in an answer that arrived."""


def preset_id(entity: str, chart: CustomChart) -> str:
    """What a chart's preset is called by those who use it."""
    return f"{entity}/{chart.preset}" if entity else chart.preset


def create_presets(api: Any, entity: str, charts: Sequence[CustomChart], known: Mapping[str, str]) -> dict[str, str]:
    """Make the presets of charts that are not there yet; the id of each, by its name.

    Args:
        api: Of W&B's client.
        entity: Whose they are.
        charts: The charts.
        known: Presets that are there, with their ids.

    Raises:
        RefusedError: If W&B does not take one.
        TroubleError: If it does not answer as it should.
    """
    return {chart.preset: known.get(chart.preset) or _made(api, entity, chart) for chart in charts}


def _made(api: Any, entity: str, chart: CustomChart) -> str:
    try:
        return str(
            api.create_custom_chart(
                entity=entity,
                name=chart.preset,
                display_name=chart.figure.title,
                spec_type="vega2",
                access="private",
                spec=chart.spec,
            )
        )
    except Exception as error:  # the client raises a dozen kinds
        words = " ".join(str(error).split())
        if status_of(error) == 409 or ALREADY_EXISTS.search(words):
            return preset_id(entity, chart)  # its name holds the hash of its content, so it is the same
        if words.startswith(SERVER_MESSAGE_PREFIX):
            raise RefusedError(f"W&B does not take a custom chart: {words[:300]}", where=entity) from None
        raise as_pipeline_error(error, entity) from None
