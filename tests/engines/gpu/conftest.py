"""Triton's interpreter, which runs the kernels where there is no GPU, without what it does over and over."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(autouse=True)
def language_is_replaced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interpreter replaces what a kernel takes of ``triton.language`` by its own as the kernel is launched.

    It does so again at each call of a function, which takes two fifths of the time; once for a module is enough.
    """
    interpreter = pytest.importorskip("triton.runtime.interpreter")
    launch, call = interpreter.GridExecutor.__call__, interpreter.InterpretedFunction.__call__
    launched: list[set[int]] = []

    def launch_noted(kernel: Any, *arguments: Any, **named: Any) -> None:
        launched.append({id(kernel.fn.__globals__)})
        try:
            launch(kernel, *arguments, **named)
        finally:
            launched.pop()

    def call_where_replaced(function: Any, *arguments: Any, **named: Any) -> Any:
        module = id(function.fn.__globals__)
        if launched and module in launched[-1]:
            return function.rewrite()(*arguments, **named)
        if launched:
            launched[-1].add(module)
        return call(function, *arguments, **named)

    monkeypatch.setattr(interpreter.GridExecutor, "__call__", launch_noted)
    monkeypatch.setattr(interpreter.InterpretedFunction, "__call__", call_where_replaced)
