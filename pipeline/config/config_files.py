"""Experiments by name: the YAML files in ``configs/`` of the working directory, of the user and of the package."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import PipelineError, nearest
from pipeline.home import searched_folders


def configs() -> dict[str, Path]:
    """The file of each experiment, by its path in ``configs/`` without the ending: ``xor``, ``lecture/activations``."""
    found = {}
    for folder in reversed(searched_folders("configs")):
        files = sorted(folder.glob("**/*.yaml"))
        found.update({path.relative_to(folder).with_suffix("").as_posix(): path for path in files})
    return dict(sorted(found.items()))


def find_config(named: Path) -> Path:
    """Find the file, or the folder of files, that a person has named.

    Args:
        named: A path, or the name of an experiment: ``configs/xor.yaml`` and ``xor`` are the same one, where the
            working directory has no other.

    Returns:
        The path itself if it is there, else the first file or folder of that name in ``configs/``.

    Raises:
        PipelineError: If there is none; the hint names the nearest.
    """
    if named.exists() or named.is_absolute():
        return named
    name = Path(*named.parts[named.parts[0] == "configs" :]) if named.parts else named
    for folder in searched_folders("configs"):
        for found in (folder / name, folder / f"{name}.yaml"):
            if found.exists():
                return found
    if named.suffix in (".yaml", ".yml") and any(named.parent.glob("*.y*ml")):
        return named  # whoever reads it knows the files beside it
    known = configs()
    raise PipelineError("there is no such file", where=str(named), hint=nearest(name.with_suffix("").as_posix(), known))
