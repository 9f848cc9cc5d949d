"""A user who is a bare number, as in a container: what needs no name and no home works, what needs them says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.home import PACKAGE, cache_folder, home_folder, searched_folders, user_name

ROOT = Path(__file__).parents[1]
NAMES = ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")
NOBODY = 54321
"""No account has this number."""
CONFIG = """question: Small?
target: sine
inputs: {train: 8, test: 8}
models: [{linear: {basis: cosine}}]
widths: [2]
learning_rates: [0.1]
steps: 5
seeds: 1
accelerator: cpu
"""


def as_nobody(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a verb as a user without an entry among the accounts, who may read and write all files."""
    may = "+dac_override,+dac_read_search"
    who = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", f"--inh-caps={may}", f"--ambient-caps={may}"]
    command = ["setpriv", *who, sys.executable, "-m", "pipeline", *words]
    kept = {name: value for name, value in os.environ.items() if name not in NAMES}
    found = kept | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)} | environment
    return subprocess.run(command, cwd=folder, env=found, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_user_without_a_name_or_a_home_trains_and_is_told_what_a_cluster_needs(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(CONFIG)
    done = as_nobody(tmp_path, "run", "small.yaml")
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("runs/*/report.html"))
    assert (tmp_path / f"cache-{NOBODY}" / "pipeline").is_dir()
    for cluster, what, variable in (("soc", "home", "HOME"), ("vanda", "user", "USER")):
        refused = as_nobody(tmp_path, "probe", "--cluster", cluster, "--no-job")
        assert refused.returncode == 2
        assert f"folder of {cluster} needs a {what}: " in refused.stderr
        assert f"hint: user {NOBODY} has none on this machine: export {variable}=..." in refused.stderr
        assert "Traceback" not in refused.stderr


def test_variables_say_who_somebody_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGNAME", "jane.doe")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert (user_name(), home_folder()) == ("jane.doe", tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "pipeline"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache" / "pipeline"


def test_files_are_looked_for_here_then_among_the_user_s_own_then_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    own = tmp_path / ".config" / "pipeline" / "slurm"
    assert searched_folders("slurm") == [Path("slurm"), own, PACKAGE / "slurm"]
    monkeypatch.setenv("XDG_CONFIG_HOME", "/xdg")
    assert searched_folders("configs")[1] == Path("/xdg/pipeline/configs")


def test_a_user_without_a_home_has_no_files_of_his_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setattr("pipeline.home.home_folder", lambda: None)
    assert searched_folders("slurm") == [Path("slurm"), PACKAGE / "slurm"]
