"""What is meant as a definition is one, or is refused with its line; what is not meant so is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.definitions import is_definition
from pipeline.extensions.classes import kind_of
from pipeline.extensions.loading import load_file
from pipeline.models.bases.basis import Basis
from pipeline.models.bases.local_basis import BSpline
from pipeline.optimizers.rules import Adam, Optimizer

FROZEN = "@final\n@dataclass(frozen=True)\n"
CALL = "    def __call__(self, inputs_PD):\n        return inputs_PD[:, 0]\n"
BASIS = "    def __call__(self, x_P, width):\n        return x_P[:, None] ** torch.arange(width)\n"


def test_kind_is_the_class_below_definition() -> None:
    assert kind_of(BSpline) is Basis
    assert kind_of(Adam) is Optimizer


def test_definitions_are_in_the_order_of_the_text_and_classes_to_stand_on_are_none(write: Callable[..., Path]) -> None:
    body = (
        f"\nclass Half(Target):\n    pass\n\n{FROZEN}class B(Half):\n{CALL}\n{FROZEN}class A(Target):\n{CALL}\nC = A\n"
    )
    found = load_file(write(body, "two.py")).definitions
    assert [one.name() for one in found] == ["b", "a"]
    assert all(is_definition(one) for one in found)


@pytest.mark.parametrize(
    ("body", "line", "what", "hint"),
    [
        (
            "x = 1\n",
            None,
            "defines nothing that an experiment could use",
            "a definition is a frozen dataclass below Basis, Target, Activation, Loss, UpdateRule, Diagnostic, ...",
        ),
        (
            f"class Bare(Target):\n{CALL}",
            8,
            "class Bare is meant as a definition of kind target, but is no frozen dataclass",
            "write @dataclass(frozen=True) above it",
        ),
        (
            f"@dataclass\nclass Thawed(Target):\n{CALL}",
            8,
            "class Thawed is meant as a definition of kind target, but is no frozen dataclass",
            "write @dataclass(frozen=True) above it",
        ),
        (
            f"{FROZEN}class Empty(Target):\n    pass\n",
            8,
            "class Empty lacks __call__",
            "each target has that: see the class it stands on",
        ),
        (
            f"{FROZEN}class Nameless(Basis):\n{BASIS}",
            8,
            "class Nameless lacks source",
            "each basis has that: see the class it stands on",
        ),
        (
            f"{FROZEN}class ReLU(Target):\n{CALL}",
            8,
            "class ReLU would be called 're_l_u' in YAML",
            "write its name in words, as in LeakyRelu",
        ),
    ],
)
def test_what_keeps_a_class_from_being_used_is_told_with_its_line(
    write: Callable[..., Path], refused: Callable, body: str, line: int | None, what: str, hint: str
) -> None:
    path = write(body, "bad.py")
    with refused(f"{path}:{line}" if line else path, what, hint):
        load_file(path)
