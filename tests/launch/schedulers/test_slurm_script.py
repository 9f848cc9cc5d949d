"""The script of a job asks for what the plan and the options of the profile say, and runs whatever it inherits."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from pipeline.launch.schedulers.scheduler import JobRequest
from pipeline.launch.schedulers.slurm_script import options_in, script_text


def script(folder: Path, tasks: int = 1, **more: object) -> str:
    usual: dict[str, object] = {"name": "xor-1", "minutes": 5, "workers": 1, "gpus": 0, "python": "python", "setup": ()}
    return script_text(JobRequest(**usual | {"at_a_time": 4} | more), folder, tasks)  # type: ignore[arg-type]


def asked(text: str) -> list[str]:
    """The options, as sbatch reads them."""
    return [word for line in text.splitlines() if line.startswith("#SBATCH ") for word in shlex.split(line)[1:]]


def test_other_resources_stand_beside_the_gpus(tmp_path: Path) -> None:
    more = {"options": ("--gres=lscratch:100,nvme:2",)}
    assert "--gres=gpu:1,lscratch:100,nvme:2" in asked(script(tmp_path, gpus=1, **more))
    assert "--gres=gpu:h100-96:2,lscratch:100,nvme:2" in asked(script(tmp_path, gpus=2, gpu_type="h100-96", **more))
    alone = asked(script(tmp_path, **more))
    assert [word for word in alone if word.startswith("--gres")] == ["--gres=lscratch:100,nvme:2"]


def test_options_of_the_profile_are_asked_for_word_for_word(tmp_path: Path) -> None:
    text = script(tmp_path, options=("-C gpu&ib", '--comment="it\'s #1"', "--exclusive", "--licenses=a:1,b:1"))
    assert asked(text)[-5:] == ["-C", "gpu&ib", "--comment=it's #1", "--exclusive", "--licenses=a:1,b:1"]
    assert options_in(text) >= {"constraint", "comment", "exclusive", "licenses", "time", "no-requeue"}


def test_a_step_gets_the_environment_of_its_job_whatever_the_job_got(tmp_path: Path) -> None:
    """``--export=NONE`` is handed on to srun as SLURM_EXPORT_ENV, and submitit's variables with it are lost."""
    (tmp_path / "srun").write_text(
        "#!/bin/bash\necho $SLURM_EXPORT_ENV $SUBMITIT_EXECUTOR $MINE${SLURM_CLUSTERS-none}\n"
    )
    (tmp_path / "srun").chmod(0o755)
    for inherited in ("NONE", "NIL", "PATH,HOME"):
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SLURM_EXPORT_ENV": inherited, "SLURM_CLUSTERS": "other"}
        text = script(tmp_path, setup=("export MINE=yes",))
        done = subprocess.run(["bash"], input=text, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == "ALL slurm yesnone\n"


@pytest.mark.parametrize("name", ["two words", 'it\'s a "run"', "$HOME `x`", "a#b", "été"])
def test_logs_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    text = script(folder, tasks=3)
    assert f"--output={folder}/%A_%a_0_log.out" in asked(text)
    (srun,) = [shlex.split(line) for line in text.splitlines() if line.startswith("srun ")]
    assert srun[srun.index("--output") + 1] == f"{folder}/%A_%a_%t_log.out"
    assert srun[-1] == str(folder)
    assert f"--error={folder}/%j_0_log.err" in asked(script(folder))
