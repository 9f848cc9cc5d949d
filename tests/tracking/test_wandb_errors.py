"""Whatever exception W&B's client raises, a person is told what is wrong and what to do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipeline.tracking.wandb_errors import RefusedError, TroubleError, as_pipeline_error, parsed_page, status_of


class ClientError(Exception):
    """As requests and the API of wandb 0.31.0 have them: the status is at ``response``, or at that of ``exc``."""

    def __init__(self, words: str, status: int | None = None, inner: Exception | None = None) -> None:
        super().__init__(words)
        self.response = SimpleNamespace(status_code=status) if status else None
        self.exc = inner


def test_a_status_is_found_however_deep_it_lies() -> None:
    deep = ClientError("outer", inner=ClientError("inner", 403))
    assert (status_of(ClientError("x", 500)), status_of(deep), status_of(ClientError("x"))) == (500, 403, None)
    chained = RuntimeError("chained")
    chained.__cause__ = deep
    assert status_of(chained) == 403


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ClientError("no", 401), RefusedError, "the key is refused: HTTP 401: no"),
        (ClientError("API key must be 40 characters"), RefusedError, "the key is refused: API key must be"),
        (ClientError("HTTP 404 not found", 404), RefusedError, "no access: HTTP 404 not found"),
        (ClientError("odd", 400), RefusedError, "W&B refuses the question: HTTP 400: odd"),
        (ClientError("on\n  fire", 502), TroubleError, "W&B does not answer as it should: HTTP 502: on fire"),
        (ValueError("?"), TroubleError, r"W&B does not answer as it should: \?"),
    ],
)
def test_an_exception_is_refusal_or_trouble_by_its_status(error: Exception, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=f"^lab/p: {words}") as raised:
        raise as_pipeline_error(error, "lab/p")
    assert "hint: " in str(raised.value)


def test_a_page_that_is_no_json_object_is_refused() -> None:
    assert parsed_page('{"blocks": []}', "report", "lab/p") == {"blocks": []}
    for spec in ("[", "[]"):
        with pytest.raises(RefusedError, match=r"^lab/p: what W&B has of the report is not JSON"):
            parsed_page(spec, "report", "lab/p")
