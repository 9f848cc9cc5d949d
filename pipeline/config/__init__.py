"""YAML in, dataclasses out, complaints with file and line.

The type of a field reads what is written there, so nothing is guessed: ``1e-3`` is a
number in a ``float`` field and a word in a ``str`` field. The steps are those of the YAML
specification: a text is composed into a tree of nodes, which know their lines
(``compose``, ``nodes``); values of ``--set`` are grafted onto the tree (``overrides``); from
the tree the dataclass it is meant for is constructed (``construct``).

Source: YAML 1.2.2, section 3.1, "Processes".
"""

from pipeline.config.config_files import configs, find_config
from pipeline.config.overrides import later_wins
from pipeline.config.reading import read_canonical, read_experiment, read_file
from pipeline.config.used_extensions import kept_copies
from pipeline.config.writing import as_yaml
from pipeline.config.yaml_document import YamlDocument, read_document

__all__ = [
    "YamlDocument",
    "as_yaml",
    "configs",
    "find_config",
    "kept_copies",
    "later_wins",
    "read_canonical",
    "read_document",
    "read_experiment",
    "read_file",
]
