"""What a server refused stands in the client's log, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.tracking.wandb_files.client_log import errors_by_file


def log(folder: Path, *lines: object) -> Path:
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    (folder / "debug-sync-1.log").write_text("\n".join(text))
    return folder


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([{"status": "403 Forbidden", "body": '{"errors": [{"message": "no access"}]}'}], "HTTP 403: no access"),
        ([{"status": "500", "body": "bad\n gateway"}], "HTTP 500: bad gateway"),
        ([{"status": "429", "msg": "retrying"}, {"status": "409", "error": "was deleted"}], "HTTP 409: was deleted"),
        ([{"level": "ERROR", "msg": "sync: failed", "error": "no such file"}], "no such file"),
        ([{"level": "ERROR", "msg": "sync: failed"}], "sync: failed"),
        ([{"status": "400", "body": "said"}, {"level": "ERROR", "msg": "the end"}], "HTTP 400: said"),
    ],
)
def test_the_last_refusal_counts_in_the_words_of_the_server(
    tmp_path: Path, lines: list[dict[str, str]], words: str
) -> None:
    file = tmp_path / "run-x.wandb"
    logs = log(tmp_path, *({"sync_path": str(file), **line} for line in lines))
    assert errors_by_file(logs, [file]) == {file: words}


def test_what_went_well_is_no_error_and_what_is_no_json_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "run-x.wandb"
    logs = log(
        tmp_path, "starting", "[1]", {"sync_path": str(file), "status": "200 OK"}, {"level": "ERROR", "msg": "else"}
    )
    assert errors_by_file(logs, [file]) == {}
    assert errors_by_file(tmp_path / "nowhere", [file]) == {}
