"""The report in the folder of a run, which W&B shows as it is and whose figures it draws again."""

from __future__ import annotations

from pathlib import Path

from pipeline.report.html.run_page import write_report
from pipeline.tracking.export.consistent_read import read_consistently


def local_report(run: Path) -> Path:
    """The report of a run, written again if trials have finished since, or if a figure lacks its Vega-Lite.

    Args:
        run: Its folder.

    Returns:
        Path of ``report.html``.

    Raises:
        PipelineError: If the folder holds no plan, or a file in it is damaged.
    """
    path = run / "report.html"
    last = max((part.stat().st_mtime for part in (run / "outcomes").glob("*.parquet")), default=0.0)
    whole = all(picture.with_suffix(".json").exists() for picture in (run / "figures").glob("*.png"))
    if not (path.exists() and path.stat().st_mtime >= last and whole):
        read_consistently(lambda: write_report(run))
    return path
