"""Custom chart presets of W&B, the specifications of its custom charts: created once, and never changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.tracking.dashboard.custom_charts import CustomChart
from pipeline.tracking.wandb_errors import RefusedError, as_pipeline_error, status_of

ALREADY_EXISTS = re.compile(r"already|duplicate|not unique", re.IGNORECASE)
"""What a server says where there is a preset of that name."""
SERVER_MESSAGE_PREFIX = "input:"
"""Prefix of a message of the server in an exception of wandb 0.31.0."""


def preset_id(entity: str, chart: CustomChart) -> str:
    """The id by which panels refer to the preset of a chart.

    Args:
        entity: Whose it is; empty where nobody has said yet.
        chart: The chart.

    Returns:
        Entity and name; the name alone where there is no entity.
    """
    return f"{entity}/{chart.preset}" if entity else chart.preset


def create_presets(api: Any, entity: str, charts: Sequence[CustomChart], known: Mapping[str, str]) -> dict[str, str]:
    """Create the presets of charts that are not there yet.

    Args:
        api: Of W&B's client.
        entity: Whose they are.
        charts: The charts.
        known: Ids of presets that are there, by name.

    Returns:
        The id of each, by its name.

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
