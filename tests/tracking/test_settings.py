"""What is wrong with the environment is named as what it is, and counts only where it matters."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import wandb
from wandb_server import WandbServer
from wandb_state import ENTITY

from pipeline.cli import main
from pipeline.tracking.settings import checked_settings, invalid_variables
from pipeline.tracking.wandb_errors import RefusedError

ABOUT_ONE_RUN = [
    ("WANDB_PROJECT", "lab/proj"),
    ("WANDB_PROJECT", "p" * 129),
    ("WANDB_RUN_ID", "a/b"),
    ("WANDB_CONSOLE", "none"),
    ("WANDB_TAGS", "t" * 65),
    ("WANDB_RESUME", "perhaps"),
    ("WANDB_SAVE_CODE", "maybe"),
    ("WANDB_SERVICE", "of another version"),
]
REQUIRED_VARIABLES = [
    ("WANDB_BASE_URL", "api.wandb.ai", "'api.wandb.ai'"),
    ("WANDB_BASE_URL", "https://app.wandb.ai", "not a valid server address, did you mean https://"),
    ("WANDB_MODE", "on", "'online', 'offline'"),
    ("WANDB_HTTP_TIMEOUT", "soon", "valid number"),
    ("WANDB_HTTP_TIMEOUT", "0", "a number from 0 on"),
    ("WANDB_HTTP_TIMEOUT", "nan", "a number from 0 on"),
    ("WANDB__GRAPHQL_RETRY_MAX", "-1", "a number from 0 on"),
    ("WANDB__GRAPHQL_RETRY_WAIT_MAX_SECONDS", "inf", "a number from 0 on"),
    ("WANDB__GRAPHQL_RETRY_MAX", "often", "valid integer"),
    ("WANDB_API_KEY", " " + "c" * 40, "API key cannot start or end with whitespace"),
]


@pytest.mark.parametrize(("name", "value"), ABOUT_ONE_RUN)
def test_a_variable_about_one_run_does_not_count(
    server: WandbServer, said: list[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with checked_settings(said.append):
        assert wandb.setup().settings.mode == "online"
    assert said == []
    assert os.environ[name] == value


def test_one_of_no_account_that_the_client_would_refuse_is_named_and_left_out(
    server: WandbServer, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_REINIT", "sometimes")
    with checked_settings(said.append):
        assert "WANDB_REINIT" not in os.environ
    (words,) = said
    assert words.startswith("WANDB_REINIT: W&B's client does not take 'sometimes': Input should be")
    assert words.endswith("it does not count here")


@pytest.mark.parametrize(("name", "value", "words"), REQUIRED_VARIABLES)
def test_one_that_counts_is_refused_by_its_name(
    server: WandbServer, said: list[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with (
        pytest.raises(RefusedError, match=rf"^{name}: W&B's client does not take") as refusal,
        checked_settings(said.append),
    ):
        pass
    assert words in str(refusal.value)
    assert "pydantic" not in str(refusal.value)
    assert "c" * 40 not in str(refusal.value)
    assert os.environ[name] == value


def test_a_good_environment_has_no_fault(server: WandbServer) -> None:
    assert invalid_variables(os.environ) == {}


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["sync", *words])
    return code, " ".join(capsys.readouterr().err.split())


def test_with_a_good_project_of_its_own_a_sweep_arrives_whatever_is_said_of_one_run(
    run: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in dict(ABOUT_ONE_RUN).items():
        monkeypatch.setenv(name, value)
    code, said = told(capsys, str(run), "--set", "tracking.project=ok", "--set", "tracking.runs=none")
    assert code == 0, said
    assert {place[:2] for place in server.runs} == {(ENTITY, "ok")}


@pytest.mark.parametrize("project", ["lab/proj", "p" * 129])
def test_a_project_that_is_none_is_named_with_the_one_who_names_it(
    run: Path,
    server: WandbServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    project: str,
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    code, said = told(capsys, str(run), "--set", f"tracking.project={project}")
    assert (code, f"--set tracking.project={project}: W&B has no project named {project!r}" in said) == (2, True), said
    monkeypatch.setenv("WANDB_PROJECT", project)
    code, said = told(capsys, str(run))
    assert (code, said.startswith(f"WANDB_PROJECT: W&B has no project named {project!r} hint: ")) == (1, True), said
