"""YAML in, dataclasses out, complaints with file and line.

The type of a field reads what is written there, so nothing is guessed: ``1e-3`` is a
number in a ``float`` field and a word in a ``str`` field. A text goes three ways: it is
composed into nodes, which know where they were written (``text``, ``written``); values
of ``--set`` are grafted onto the tree (``overrides``); the tree is read by the dataclass
it is meant for (``values``).
"""

from pipeline.config.overrides import later_wins
from pipeline.config.reading import read_canonical, read_experiment, read_file
from pipeline.config.writing import as_yaml
from pipeline.config.yaml_document import YamlDocument, read_document

__all__ = [
    "YamlDocument",
    "as_yaml",
    "later_wins",
    "read_canonical",
    "read_document",
    "read_experiment",
    "read_file",
]
