"""An experiment is sent from Python as from the command line: the same jobs, and a run that says how it stands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import pipeline
from pipeline.errors import PipelineError
from pipeline.launch.cost.calibration import remember_job, remember_startup
from pipeline.launch.notes.submission import read_submissions

XOR = Path(__file__).parents[2] / "configs" / "xor.yaml"
SMALL: dict[str, Any] = {"seeds": 1, "steps": 10, "models": ["shallow"]}
PROFILE: dict[str, Any] = {"folder": "there", "one_machine": True, "gpus": 0, "cpus": 1}


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pretend SLURM that takes one array and holds it."""
    (tmp_path / "bin").mkdir()
    sent = tmp_path / "sent"
    sbatch = f"touch {sent}; echo Submitted batch job 99"
    squeue = f'[ -e {sent} ] && echo "99|PENDING|$(cat {sent})|Priority"; true'
    scripts = {"sbatch": sbatch, "squeue": squeue, "scancel": f"rm {sent}", "srun": ""}
    for name, text in scripts.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_sent_waits_and_is_found_in_runs(slurm: Path) -> None:
    for workload in pipeline.plan(XOR, **SMALL).manifest.workloads.values():
        remember_job("slurm_generic", 0, workload, 0.1)  # so that nothing is measured here
    remember_startup("slurm_generic", 0, 1.0)
    run = pipeline.submit(XOR, cluster="slurm_generic", profile=PROFILE, **SMALL)
    assert run.folder == slurm / "there" / run.plan.folder_name
    (submission,) = read_submissions(run.folder)
    assert (submission.job, submission.cluster) == ("99", "slurm_generic")
    (slurm / "sent").write_text(submission.name)
    assert run.status().trials == {"pending": run.plan.num_trials}
    assert set(run.results()["status"]) == {"pending"}
    assert f"Nothing has been recorded yet: {run.plan.num_trials} trials to come." in run.report().read_text()
    assert pipeline.open().folder.resolve() == run.folder
    assert len(run.cancel()) == 1
    assert not (slurm / "sent").exists()


def test_a_mistake_is_refused_before_anything_is_written(slurm: Path) -> None:
    with pytest.raises(PipelineError, match=r"^unknown cluster 'socc'\n  hint: did you mean 'soc'"):
        pipeline.submit(XOR, cluster="socc")
    with pytest.raises(PipelineError, match=r"unknown key 'queu'\n  hint: did you mean 'queue'"):
        pipeline.submit(XOR, cluster="slurm_generic", profile=PROFILE | {"queu": "long"})
    assert not (slurm / "there").exists()
    assert not (slurm / "runs").exists()
