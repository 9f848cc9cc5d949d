"""What schedulers are asked for: resources, dependencies and the lines before a worker starts."""

import shlex
import subprocess

import pytest

from pipeline.errors import PipelineError
from pipeline.experiment.parallelism import Parallel
from pipeline.launch.clusters.lookup import read_cluster
from pipeline.launch.clusters.profile import Profile
from pipeline.launch.schedulers import scheduler_named
from pipeline.launch.submit.job_request import check_parallel, request_for, setup_lines
from pipeline.launch.submit.planned_submissions import SubmissionRequest, plan_submissions

ALONE = Parallel()


def script(cluster, folder, parallel=ALONE, packs=1, after=None):
    """The script of an array with a pack in each task."""
    request = SubmissionRequest(
        cluster, {f"p{i}": 3600.0 for i in range(packs)}, {}, 1, 0, parallel.nodes, parallel.processes > 1
    )
    (submission, *_) = plan_submissions(request, "code", "xor-0a1b2c-2")
    request = request_for(submission, cluster, parallel, folder / "code", after)
    return scheduler_named(cluster.profile.scheduler).script(folder / "jobs", request, len(submission.tasks))


def lines(text, beginning):
    return [line for line in text.splitlines() if line.startswith(beginning)]


def test_slurm_is_asked_for_the_gpu_by_its_name_a_queue_and_a_time_that_it_grants(tmp_path):
    text = script(read_cluster("soc"), tmp_path)
    for option in (
        "gres=gpu:h100-96:1",
        "partition=gpu",
        "time=124",
        "cpus-per-task=4",
        "mem=16384M",
        "ntasks-per-node=1",
        "nodes=1",
        "job-name=xor-0a1b2c-2",
    ):
        assert f"#SBATCH --{option}\n" in text, option
    assert "#SBATCH --requeue" in text
    assert not lines(text, "#SBATCH --array")
    assert not lines(text, "#SBATCH --dependency")


def test_several_gpus_of_a_job_have_a_worker_and_a_share_of_its_memory_each(tmp_path):
    text = script(read_cluster("soc", ["gpus=2"]), tmp_path, packs=4)
    assert "#SBATCH --gres=gpu:h100-96:2\n" in text
    assert "#SBATCH --ntasks-per-node=2\n" in text
    assert "#SBATCH --mem=32768M\n" in text


def test_job_without_gpus_asks_slurm_for_none(tmp_path):
    text = script(read_cluster("soc", ["gpus=0"]), tmp_path)
    assert "gres" not in text
    assert "#SBATCH --partition=normal\n" in text


def test_link_of_a_chain_waits_for_the_job_before_however_it_ended(tmp_path):
    assert "#SBATCH --dependency=afterany:4711\n" in script(read_cluster("soc"), tmp_path, after="4711")
    pbs = read_cluster("pbs_generic")
    assert "-W depend=afterany:ID-OF-xor-0a1b2c-1" in script(pbs, tmp_path, after="ID-OF-xor-0a1b2c-1")


def test_pbs_is_asked_for_one_chunk_with_all_that_a_job_needs(tmp_path):
    (asked,) = lines(script(read_cluster("pbs_generic", ["gpus=2", "project=p7"]), tmp_path, packs=4), "# qsub")
    assert "-l select=1:ncpus=8:mem=32768mb:ngpus=2 " in asked
    assert "-P p7 " in asked
    (asked,) = lines(script(read_cluster("pbs_generic", ["gpus=0"]), tmp_path), "# qsub")
    assert "ngpus" not in asked
    assert "-l select=1:ncpus=4:mem=16384mb " in asked


def test_training_over_two_nodes_has_a_worker_for_each_device_and_ends_as_one(tmp_path):
    cluster = read_cluster("slurm_generic", ["gpus=2"])
    text = script(cluster, tmp_path, Parallel(nodes=2, devices=2))
    assert "#SBATCH --nodes=2\n" in text
    assert "#SBATCH --ntasks-per-node=2\n" in text
    assert "--kill-on-bad-exit=1" in text
    assert "--kill-on-bad-exit=0" in script(cluster, tmp_path)


@pytest.mark.parametrize("name", ["pbs_generic", "local"])
def test_training_over_several_nodes_is_for_slurm_alone(name):
    cluster = read_cluster(name)
    check_parallel(cluster, Parallel(devices=2))
    check_parallel(read_cluster("soc"), Parallel(nodes=2))
    with pytest.raises(PipelineError, match=f"parallel.nodes is 2, and jobs on {name} start workers on one node only"):
        check_parallel(cluster, Parallel(nodes=2))


def profile(**fields):
    return Profile(**{"description": "a cluster", "scheduler": "local", "folder": "runs", "gpus": 0} | fields)


def run_setup(lines_, then, **environment):
    whole = "\n".join([*lines_, then])
    command = ["bash", "-euc", whole]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", **environment}
    )
    return done.stdout.splitlines()


def test_setup_finds_the_code_in_a_folder_of_any_name(tmp_path):
    folder = tmp_path / 'it\'s a $HOME of "many" words'
    folder.mkdir()
    found = setup_lines(profile(), folder)
    assert run_setup(found, 'echo "$PWD"; echo "$PYTHONPATH"') == [str(folder), str(folder)]
    assert run_setup(found, 'echo "$PYTHONPATH"', PYTHONPATH="/before") == [f"{folder}:/before"]


def test_no_other_code_is_run_where_the_snapshot_is_gone(tmp_path):
    text = "\n".join([*setup_lines(profile(), tmp_path / "gone"), "echo worked"])
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")


def test_setup_of_the_profile_runs_first_and_the_processors_are_those_asked_for(tmp_path):
    found = setup_lines(profile(cpus=3, setup=("cd /", "export LOADED=yes")), tmp_path)
    told = run_setup(found, 'echo "$PWD $LOADED $OMP_NUM_THREADS $SRUN_CPUS_PER_TASK"')
    assert told == [f"{tmp_path} yes 3 3"]
    assert not [line for line in setup_lines(profile(), tmp_path) if "OMP_NUM_THREADS" in line]


def test_variables_of_the_site_are_handed_into_containers(tmp_path):
    found = setup_lines(profile(keep_env=("http_proxy", "no_proxy")), tmp_path)
    told = run_setup(found, 'echo "$SINGULARITYENV_http_proxy|$APPTAINERENV_no_proxy|"', http_proxy="http://a b:80")
    assert told == ["http://a b:80||"]


def test_python_of_the_profile_is_the_command_that_starts_a_worker(tmp_path):
    container = "singularity exec --nv image.sif python"
    assert f" {container} -u -m submitit.core._submit " in script(
        read_cluster("soc", [f"python={container}"]), tmp_path
    )


def test_folder_with_spaces_is_one_word_of_the_command(tmp_path):
    folder = tmp_path / "my runs"
    for name in ("soc", "pbs_generic"):
        (line,) = [line for line in script(read_cluster(name), folder).splitlines() if "submitit.core._submit" in line]
        assert str(folder / "jobs") in shlex.split(line), name
    assert shlex.split(script(read_cluster("local"), folder), comments=True)[-1] == str(folder / "jobs")


def test_no_more_tasks_run_at_a_time_than_the_profile_says(tmp_path):
    text = script(read_cluster("soc", ["max_running=3"]), tmp_path, packs=8)
    assert "#SBATCH --array=0-7%3\n" in text
    (asked,) = lines(script(read_cluster("aspire2a", ["walltime_minutes=60"]), tmp_path, packs=8), "# qsub")
    assert " -J 0-" in asked
    assert "%2 " in asked
