"""No option of a profile is lost, and none takes the place of what the plan says."""

from __future__ import annotations

import re

import pytest

from pipeline.errors import FieldError
from pipeline.launch.clusters.extra_options import check_options, qsub_options, sbatch_options

NOTHING: dict[str, object] = {}


def words(texts: list[str]) -> list[str]:
    return [" ".join(option.words) for option in sbatch_options(texts)]


@pytest.mark.parametrize(
    ("texts", "read"),
    [
        (["--constraint=a100&ib"], ["--constraint=a100&ib"]),
        (["-C gpu"], ["-C gpu"]),
        (["-Cgpu"], ["-C gpu"]),
        (["-C", "gpu"], ["-C gpu"]),
        (["--constraint gpu"], ["--constraint=gpu"]),
        (["--comment=two words"], ["--comment=two words"]),
        (["--comment='two  words'"], ["--comment=two  words"]),
        (["--exclusive --hold"], ["--exclusive", "--hold"]),
        (["-Hs"], ["-H", "-s"]),
        (["--nice=-5"], ["--nice=-5"]),
        (["--of-a-later-version x"], ["--of-a-later-version=x"]),
        (["--gres=lscratch:100,shard:2"], ["--gres=lscratch:100,shard:2"]),
    ],
)
def test_options_of_sbatch_are_what_is_written(texts: list[str], read: list[str]) -> None:
    assert words(texts) == read
    check_options(texts, "slurm", NOTHING)


def test_options_of_qsub_are_what_is_written() -> None:
    texts = ["-l container_image=/home/a b.sqsh", "-lplace=excl", "-A", "group", '-v "A=1,B=two words"', "-V"]
    read = [option.words for option in qsub_options(texts)]
    assert read == [
        ("-l", "container_image=/home/a b.sqsh"),
        *(("-l", "place=excl"), ("-A", "group"), ("-v", "A=1,B=two words"), ("-V",)),
    ]
    check_options(texts, "pbs", NOTHING)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "--time=5",
            "-t5",
            "-t 5",
            "--mem=4G",
            "--mem-per-cpu 1G",
            "--array=0-3",
            "-a0",
            "--output=x",
            "-o x",
            "-e x",
        ),
        *(
            "--job-name=x",
            "-J x",
            "--ntasks=2",
            "-n2",
            "--ntasks-per-node=2",
            "-N 2",
            "-c 4",
            "--requeue",
            "--no-requeue",
        ),
        *("--gpus=1", "-G 1", "--gpus-per-node=1", "--signal=USR1@5", "-d afterok:1", "--wait", "-W", "--test-only"),
        *("-HW", "--open-mode=truncate", "-M other", "--quiet", "--tim=5", "--job=x", "--wrap=date"),
    ],
)
def test_what_the_plan_says_is_no_option_of_sbatch(text: str) -> None:
    with pytest.raises(FieldError, match=r"^options: -[\w-]+ is not for cluster\.options\n  hint: \S"):
        check_options([text], "slurm", NOTHING)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "-l walltime=1:00",
            "-lselect=1:ncpus=2",
            "-l place=excl,mem=4gb",
            "-l ngpus=1",
            "-l nodes=1:ppn=4",
            "-q long",
        ),
        *(
            "-N x",
            "-J 0-3",
            "-o x",
            "-e x",
            "-j n",
            "-P x",
            "-r n",
            "-W depend=afterok:1",
            "-W block=true",
            "-Wumask=0",
        ),
        *("-I", "-z", "-C #XYZ"),
    ],
)
def test_what_the_plan_says_is_no_option_of_qsub(text: str) -> None:
    with pytest.raises(FieldError, match=r"^options: -\w( \w+)? is not for cluster\.options\n  hint: \S"):
        check_options([text], "pbs", NOTHING)


def test_walltime_is_told_to_be_said_where_the_plan_sees_it() -> None:
    with pytest.raises(FieldError, match=r"hint: cluster\.walltime_minutes is the walltime"):
        check_options(["-l walltime=1:00"], "pbs", NOTHING)


@pytest.mark.parametrize("gres", ["gpu:1", "gpu", "lscratch:5,gpu:h100:2", "gres:gpu:1", "gres/gpu=1", "GPU:1"])
def test_gpus_are_asked_for_where_the_plan_counts_them(gres: str) -> None:
    with pytest.raises(FieldError, match=re.escape(f"--gres={gres} asks for GPUs\n  hint: cluster.gpus ")):
        check_options([f"--gres={gres}"], "slurm", NOTHING)


@pytest.mark.parametrize(
    ("text", "field"),
    [("--partition=x", "queue"), ("-p x", "queue"), ("-A x", "account"), ("--qos=x", "qos"), ("-x n1", "exclude")],
)
def test_option_does_not_replace_a_field_of_the_profile(text: str, field: str) -> None:
    check_options([text], "slurm", {"queue": None, "account": "", "exclude": ()})
    with pytest.raises(FieldError, match=f"would replace the {field} of the profile\n  hint: --set cluster.{field}="):
        check_options([text], "slurm", {field: "mine"})


@pytest.mark.parametrize(
    ("scheduler", "texts", "what"),
    [
        ("slurm", ["--licenses=a:1", "--licenses=b:1"], "--licenses comes 2 times, and sbatch takes one of them"),
        ("slurm", ["--constraint=a", "-C b"], "--constraint comes 2 times"),
        ("slurm", ["--gres=lscratch:1", "--gres=nvme:1"], "--gres comes 2 times"),
        ("pbs", ["-l place=excl", "-l x=1,place=free"], "-l place comes 2 times, and qsub takes one of them"),
        ("pbs", ["-A a", "-A b"], "-A comes 2 times"),
        ("pbs", ["-v A=1", "-v B=2"], "-v comes 2 times"),
    ],
)
def test_option_that_comes_twice_is_not_reduced_to_one(scheduler: str, texts: list[str], what: str) -> None:
    with pytest.raises(FieldError, match=f"^options: {re.escape(what)}"):
        check_options(texts, scheduler, NOTHING)


def test_option_that_comes_twice_is_shown_as_one() -> None:
    with pytest.raises(FieldError, match=r"hint: write one, perhaps --licenses=a:1,b:1$"):
        check_options(["--licenses=a:1", "--licenses=b:1"], "slurm", NOTHING)


@pytest.mark.parametrize(
    ("scheduler", "text"), [("pbs", "-A a -A b"), ("pbs", "-l x=1 -l x=2"), ("slurm", "-C a -C b")]
)
def test_option_that_takes_one_value_is_not_shown_with_two(scheduler: str, text: str) -> None:
    with pytest.raises(FieldError, match=r"hint: write one$"):
        check_options([text], scheduler, NOTHING)


def test_option_of_sbatch_is_none_of_qsub() -> None:
    for text in ("--version", "--comment=x", "-A a --hold"):
        with pytest.raises(FieldError, match=r"'--\S+' is no option of qsub\n  hint: its have one dash"):
            check_options([text], "pbs", NOTHING)


@pytest.mark.parametrize("text", ["--gres", "--gres="])
def test_generic_resource_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(FieldError, match="--gres names no resource"):
        check_options([text], "slurm", NOTHING)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["gpu"], "'gpu' is no option of sbatch"),
        (["--hold", "-H x"], "'x' is no option of sbatch"),
        (['--comment="x'], "cannot be read as a shell would\n  hint: close the quotation mark"),
    ],
)
def test_what_is_no_option_is_refused(texts: list[str], message: str) -> None:
    with pytest.raises(FieldError, match=re.escape(message)):
        check_options(texts, "slurm", NOTHING)
