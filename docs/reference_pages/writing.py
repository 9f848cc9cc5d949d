"""All pages of the reference, written where Sphinx reads them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx

from pipeline.config.registry import REGISTRY
from pipeline.experiment.experiment import Experiment
from pipeline.launch.clusters.profile import Profile
from reference_pages.claims_page import claims_page
from reference_pages.definition_pages import TITLES, definition_page
from reference_pages.pictures import DRAWN, svg
from reference_pages.python_page import python_page
from reference_pages.verb_page import verb_page
from reference_pages.yaml_keys import yaml_page

FOLDER = "reference"
OF_EXPERIMENT = """
Every key of the YAML file of an experiment, made from the dataclasses that it is read into. What keys mean together is
in [Experiments](../experiments.md). Where a list may be written, one value needs no list around it.
"""
OF_PROFILE = """
Every key of the YAML file of a cluster, whose name is that of the file in `slurm/`. What to change, and how, is in
[Clusters](../clusters.md).
"""


def write_reference(folder: Path, kinds: Iterable[str] = tuple(TITLES)) -> None:
    """Write the pages of the reference and their pictures, anew.

    Args:
        folder: Where they are written; all in it is made anew.
        kinds: Definitions that have a page.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pictures").mkdir(parents=True)
    for plural in kinds:
        page = definition_page(plural, write_pictures(plural, folder))
        (folder / f"{plural}.md").write_text(page, encoding="utf-8")
    others = {
        "yaml": yaml_page(Experiment, "The YAML file", OF_EXPERIMENT),
        "profile": yaml_page(Profile, "A cluster's profile", OF_PROFILE),
        "verbs": verb_page(),
        "python": python_page(),
        "claims": claims_page(),
    }
    for name, page in others.items():
        (folder / f"{name}.md").write_text(page, encoding="utf-8")


def write_pictures(plural: str, folder: Path) -> dict[str, Path]:
    """Write the pictures of a kind of definitions.

    Args:
        plural: Its name in the registry.
        folder: Of the pages.

    Returns:
        Paths in the folder, by the names of the definitions; none of a kind without pictures.
    """
    kind, table = REGISTRY[plural]
    if kind not in DRAWN:
        return {}
    paths = {}
    for name, definition in table.items():
        path = Path("pictures") / f"{plural}-{name}.html"
        chart = DRAWN[kind](definition())
        (folder / path).write_text(svg(chart, name, f"{name}: {definition.summary()}"), encoding="utf-8")
        paths[name] = path
    return paths


def _written_by_sphinx(app: Sphinx) -> None:
    write_reference(Path(app.srcdir) / FOLDER, app.config.reference_kinds)


def setup(app: Sphinx) -> dict[str, bool]:
    """Write the reference before Sphinx looks for pages.

    Args:
        app: Sphinx.

    Returns:
        What Sphinx wants to know of an extension.
    """
    app.add_config_value("reference_kinds", list(TITLES), "env", (list,))
    app.connect("builder-inited", _written_by_sphinx)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
