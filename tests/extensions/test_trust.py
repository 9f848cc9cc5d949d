"""A copy that came with a run is run for those who have named such a file, and in a job of the run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import PipelineError
from pipeline.extensions import loading, trust
from pipeline.extensions.loading import load_file, loaded
from pipeline.extensions.trust import allow_copies_of, check_trusted


@pytest.fixture
def in_another_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """Forget what this process has loaded and was told; what the home keeps stays."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(trust, "_trusted", set())
    monkeypatch.setattr(loading, "_loaded", {})
    monkeypatch.setenv(trust.JOB_OF, "")

    def forget() -> None:
        trust._trusted.clear()
        loading._loaded.clear()

    return forget


@pytest.fixture
def copy(write: Callable[..., Path]) -> Path:
    """The copy in the folder of a run, of a file that nobody has named."""
    path = write(name="theirs.py")
    kept = path.parent / "run" / "definitions" / "theirs.py"
    kept.parent.mkdir(parents=True)
    return path.rename(kept)


def planned(copy: Path) -> loading.Extension:
    """What the plan of the run says of it."""
    return loading.Extension(copy.name, loading.digest_of(loading.read_files(copy)))


def test_a_copy_that_nobody_has_named_is_not_run(copy: Path, in_another_process: Callable[[], None]) -> None:
    extension = planned(copy)
    what = f"is a program that came with the run ({extension.sha256[:10]}); this user has never named such a file"
    message = (
        f"{copy}: {what}\n  hint: read it; python -m pipeline check {copy} then runs it, and from then on it is trusted"
    )
    with pytest.raises(PipelineError, match=f"^{re.escape(message)}$"):
        loaded(extension, copy.parent)
    load_file(copy)  # as check does
    in_another_process()
    assert loaded(extension, copy.parent).extension == extension


def test_a_job_runs_the_copies_of_its_run_and_of_no_other(
    copy: Path, in_another_process: Callable[[], None], tmp_path: Path
) -> None:
    allow_copies_of(tmp_path / "other")
    with pytest.raises(PipelineError, match="came with the run"):
        check_trusted(planned(copy), copy)
    allow_copies_of(copy.parents[1])
    check_trusted(planned(copy), copy)


def test_where_no_home_keeps_it_a_file_is_trusted_by_the_process_that_has_named_it(
    copy: Path, in_another_process: Callable[[], None], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("in the way")
    extension = load_file(copy).extension
    check_trusted(extension, copy)
    in_another_process()
    with pytest.raises(PipelineError, match="came with the run"):
        check_trusted(extension, copy)


def test_a_mark_of_somebody_else_is_none(
    copy: Path, in_another_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    extension = load_file(copy).extension
    in_another_process()
    check_trusted(extension, copy)
    monkeypatch.setattr("os.getuid", lambda: 12345)
    with pytest.raises(PipelineError, match="came with the run"):
        check_trusted(extension, copy)
