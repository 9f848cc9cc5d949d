"""Which code it was: a commit, and what was changed since, in a repository that may be edited."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pipeline"
USER = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


@pytest.fixture
def checkout(tmp_path):
    """A repository of the package, with one commit."""
    folder = tmp_path / "checkout"
    (folder / "pipeline").mkdir(parents=True)
    for name in ("__init__.py", "provenance.py"):
        shutil.copy(PACKAGE / name, folder / "pipeline")
    (folder / ".gitignore").write_text("__pycache__\n")
    for command in (["init", "-q"], ["add", "."], [*USER, "commit", "-q", "-m", "first"]):
        git(folder, *command)
    return folder


def git(folder, *command):
    done = subprocess.run(["git", "-C", folder, *command], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def ask(folder, what="code_version()", **environment):
    code = f"import json; from pipeline.provenance import *; print(json.dumps({what}))"
    changed = {**os.environ, "PYTHONPATH": str(folder), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd="/", env=changed, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_unchanged_code_is_named_by_its_commit(checkout):
    assert ask(checkout) == git(checkout, "rev-parse", "--short=12", "HEAD")


def test_changed_code_is_named_by_its_commit_and_its_changes(checkout):
    commit = ask(checkout)
    edited = checkout / "pipeline" / "__init__.py"
    before = edited.read_text()
    names = [commit]
    edited.write_text(f"{before}# one\n")
    names.append(ask(checkout))
    edited.write_text(f"{before}# two\n")
    names.append(ask(checkout))
    git(checkout, "add", ".")  # what is staged is changed all the same
    assert ask(checkout) == names[-1]
    new = checkout / "pipeline" / "new.py"
    for text in ("", "one = 1\n"):  # git does not know the file yet
        new.write_text(text)
        names.append(ask(checkout))
    assert len(set(names)) == 5
    assert all(re.fullmatch(commit + r"\+[0-9a-f]{8}", name) for name in names[1:])
    new.unlink()
    edited.write_text(before)
    assert ask(checkout) == commit


def test_what_is_changed_beside_the_code_does_not_count(checkout):
    commit = ask(checkout)
    (checkout / "notes.txt").write_text("a note\n")
    assert ask(checkout) == commit


def test_code_that_is_no_checkout_has_no_version(checkout, tmp_path):
    shutil.copytree(checkout / "pipeline", tmp_path / "copy" / "pipeline")
    assert ask(tmp_path / "copy") == ""
    assert ask(checkout, PATH=str(tmp_path)) == ""  # nor has it where there is no git


def test_packages_and_host_are_plain_json(checkout):
    found = ask(checkout, "provenance()")
    assert found["code"] == ask(checkout)
    assert {"torch", "numpy", "submitit"} <= found["packages"].keys()
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["host"]


def test_commit_that_pip_has_installed_is_known_where_the_package_is_that_one(tmp_path):
    package = tmp_path / "site" / "pipeline"
    package.mkdir(parents=True)
    for name in ("__init__.py", "provenance.py"):
        shutil.copy(PACKAGE / name, package)
    assert ask(tmp_path / "site") == ""
    installed = tmp_path / "site" / "tiny_model_sweeps-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.4\nName: tiny-model-sweeps\nVersion: 1.0\n")
    assert ask(tmp_path / "site") == ""  # from an index
    origin = {"url": "https://x.org/p.git", "vcs_info": {"vcs": "git", "commit_id": "0123456789abcdef"}}
    (installed / "direct_url.json").write_text(json.dumps(origin))
    assert ask(tmp_path / "site") == "0123456789ab"
    shutil.copytree(package, tmp_path / "snapshot" / "pipeline")
    path = os.pathsep.join(str(tmp_path / folder) for folder in ("snapshot", "site"))
    assert ask(tmp_path, PYTHONPATH=path) == ""  # another copy than what pip knows


def test_the_numerics_are_those_of_the_code_that_computes_and_of_nothing_else(checkout):
    def version():
        code = "from pipeline.provenance import numerics_version; print(numerics_version())"
        return subprocess.run(
            [sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True
        ).stdout

    (checkout / "pipeline" / "models").mkdir()
    model = checkout / "pipeline" / "models" / "model.py"
    model.write_text("a = 1\n")
    before = version()
    assert re.fullmatch(r"[0-9a-f]{16}\n", before)
    (checkout / "pipeline" / "cli").mkdir()
    (checkout / "pipeline" / "cli" / "verb.py").write_text("b = 1\n")
    assert version() == before
    model.write_text("a = 2\n")
    assert version() != before
