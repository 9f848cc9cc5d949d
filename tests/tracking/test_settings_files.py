"""A settings file of which W&B's client would take nothing is refused, and does not send runs elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import wandb
from wandb_server import WandbServer

from pipeline.cli import main
from pipeline.tracking.settings import checked_settings
from pipeline.tracking.settings_files import check_settings_files, settings_files
from pipeline.tracking.wandb_errors import RefusedError


@pytest.fixture
def file(server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That of the user; the address of the server is in it, and nowhere else."""
    monkeypatch.chdir(tmp_path)
    del os.environ["WANDB_BASE_URL"]
    path = tmp_path / "config" / "settings"
    path.parent.mkdir()
    return path


def write(path: Path, server: WandbServer, *lines: str) -> None:
    path.write_text("\n".join(["[default]", f"base_url = {server.url}", *lines, ""]))


def test_a_good_file_counts(file: Path, server: WandbServer) -> None:
    write(file, server, "project = mine", "ignore_globs = a,b", "anonymous = allow", "root_dir = /nowhere")
    with checked_settings(print):
        assert wandb.setup().settings.base_url == server.url


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "project = lab/proj",
            "does not take 'lab/proj' as project, and so nothing of this file: invalid project name",
        ),
        ("mode = on", "'on' as mode, and so nothing of this file: Input should be 'online'"),
        ("base_url = api.wandb.ai", "does not take 'api.wandb.ai' as base_url"),
        ("unheard_of = 1", "does not take '1' as unheard_of"),
    ],
)
def test_one_value_that_the_client_refuses_is_named(file: Path, server: WandbServer, line: str, words: str) -> None:
    write(file, server)
    name = line.partition(" ")[0]
    file.write_text(re.sub(rf"^{name} = .*\n", "", file.read_text(), flags=re.MULTILINE) + f"{line}\n")
    with pytest.raises(RefusedError, match=rf"^{re.escape(str(file))}: W&B's client ") as refusal:
        check_settings_files()
    assert words.lower() in str(refusal.value).lower()


def test_a_sync_with_such_a_file_sends_nothing_anywhere(
    run: Path, file: Path, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """The client itself drops the address with the project, and goes to https://api.wandb.ai."""
    write(file, server, "project = lab/proj")
    assert main(["sync", str(run)]) == 1
    said = capsys.readouterr().err
    assert f"{file}: W&B's client does not take 'lab/proj' as project" in said
    assert "api.wandb.ai" not in said
    assert server.requests == []


@pytest.mark.parametrize("text", ["base_url = no section", "[default]\nmode = 50%\n", "[default]\nno value\n"])
def test_what_is_no_settings_file_is_said_to_be_none(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(RefusedError, match=rf"^{re.escape(str(file))}: W&B's client cannot read it: "):
        check_settings_files()


def test_a_key_is_not_shown(file: Path, server: WandbServer) -> None:
    write(file, server, f"api_key = \n {'c' * 39}")
    with pytest.raises(RefusedError, match=r"does not take what it says as api_key") as refusal:
        check_settings_files()
    assert "c" * 39 not in str(refusal.value)


def test_the_file_of_the_folder_wins(file: Path, server: WandbServer, tmp_path: Path) -> None:
    write(file, server, "project = lab/proj")
    (tmp_path / "wandb").mkdir()
    first, second = settings_files()
    assert (first, second) == (file, tmp_path / "wandb" / "settings")
    second.write_text("[default]\nproject = good\n")
    check_settings_files()


@pytest.mark.usefixtures("file")
def test_without_a_home_there_is_no_file() -> None:
    del os.environ["WANDB_CONFIG_DIR"]  # as above: the server puts the whole environment back, after monkeypatch
    os.environ["HOME"] = "/dev/null/home"
    check_settings_files()
