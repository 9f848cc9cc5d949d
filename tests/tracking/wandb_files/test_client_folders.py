"""W&B's client writes into the folder of the run, whatever home is like, and leaves the environment as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.tracking.retries import CLIENT_DEFAULTS
from pipeline.tracking.wandb_files.client_folders import FOLDER_VARIABLES, client_environment, client_folder


def test_its_folders_are_ours_and_its_limits_those_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_DIR", "/dev/null")
    monkeypatch.setenv("WANDB_HTTP_TIMEOUT", "7")
    monkeypatch.delenv("WANDB__GRAPHQL_RETRY_MAX", raising=False)
    environment = client_environment(tmp_path)
    assert {environment[name] for name in FOLDER_VARIABLES} == {str(tmp_path)}
    assert environment["WANDB_HTTP_TIMEOUT"] == "7"
    assert environment["WANDB__GRAPHQL_RETRY_MAX"] == CLIENT_DEFAULTS["WANDB__GRAPHQL_RETRY_MAX"]


@pytest.mark.parametrize("has_settings", [False, True])
def test_settings_of_the_user_count_where_there_are_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_settings: bool
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_CONFIG_DIR", raising=False)
    if has_settings:
        (tmp_path / ".config" / "wandb").mkdir(parents=True)
    assert ("WANDB_CONFIG_DIR" in client_environment(tmp_path / "scratch")) == (not has_settings)


def test_the_folder_is_empty_and_gone_afterwards_and_so_are_the_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_DIR", "before")
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "left").touch()
    before = dict(os.environ)
    with client_folder(tmp_path) as scratch:
        assert not list(scratch.iterdir())
        assert os.environ["WANDB_DIR"] == str(scratch)
        (tmp_path / "sender").touch()
    assert not list(tmp_path.iterdir())
    assert dict(os.environ) == before
