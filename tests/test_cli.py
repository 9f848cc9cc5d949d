"""The command line: rows on stdout, prose on stderr, one clear message for a mistake."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import preloaded
import pytest

from pipeline.cli import LISTABLE_KINDS, main, parser
from pipeline.config.registry import TABLES

ROOT = Path(__file__).parent.parent

SMALL = """question: Small?
target: x_squared
inputs: {train: 16, test: 16}
models: [shallow, {linear: {basis: cosine}}]
widths: [2, 3]
learning_rates: [0.1, 0.11, 1e9, 1.1e9]
steps: 20
seeds: 1
record_at: {log_spaced: 4}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def refuses(capsys, arguments, message):
    """Expect exit code 2, nothing on stdout and a message that begins so."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message), err
    assert "Traceback" not in err


def test_run_prints_a_table_and_names_its_report(config, capsys):
    assert main(["run", str(config)]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"linear\(cosine\) .* agrees \(8 of 8 trials\)", out)
    (folder,) = Path("runs").iterdir()
    assert err.splitlines()[-1] == f"report: {folder / 'report.html'}"
    assert re.fullmatch(r"small-[0-9a-f]{10}", folder.name)


def test_run_again_trains_nothing_and_shows_the_same(config, capsys):
    assert main(["run", str(config)]) == 0
    first, _ = capsys.readouterr()
    assert main(["run", str(config), "--set", "checkpoint_seconds=5"]) == 0
    second, err = capsys.readouterr()
    assert first == second
    assert "all of them were finished before" in err


def test_results_are_one_row_a_trial_in_json_that_any_program_reads(config, capsys):
    main(["run", str(config)])
    capsys.readouterr()
    assert main(["results", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)  # inf and nan are not JSON
    assert len(rows) == 16
    assert {row["status"] for row in rows} == {"done", "diverged"}
    assert main(["results"]) == 0
    assert "diverged" in capsys.readouterr().out


def test_report_can_be_made_again_from_plan_and_records_alone(config, capsys):
    main(["run", str(config)])
    (folder,) = Path("runs").iterdir()
    page = folder / "report.html"
    written = page.read_text()
    page.unlink()
    assert main(["report", str(folder)]) == 0
    assert page.read_text() == written


def test_plan_shows_packs_and_writes_nothing(config, capsys):
    assert main(["plan", str(config), "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    rows = planned["shapes"]
    assert (planned["trials"], planned["packs"], planned["left_trials"]) == (16, 4, 16)
    assert 0 < planned["estimate"]["least_s"] < planned["estimate"]["most_s"] < 60
    assert [(row["model"], row["width"], row["trials"]) for row in rows] == [
        ("shallow(relu)", 2, 4),
        ("shallow(relu)", 3, 4),
        ("linear(cosine)", 2, 4),
        ("linear(cosine)", 3, 4),
    ]
    assert sum(row["share of work %"] for row in rows) == pytest.approx(100)
    assert main(["plan", str(config)]) == 0
    said = capsys.readouterr().err
    assert "16 trials in 4 packs" in said
    assert re.search(r"^that takes less than a minute here, with 0\.\d GiB of memory$", said, re.MULTILINE)
    assert not Path("runs").exists()


def test_plan_on_a_cluster_and_dry_run_of_submit_say_the_same_and_send_nothing(
    config, capsys, monkeypatch, quick_pilots
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(config.parent / "cache"))
    there = [str(config), "--cluster", "local", "--set", "cluster.cpus=1"]
    assert main(["plan", *there, "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert [shape["width"] for shape in planned["shapes"]] == [2, 3, 2, 3]
    assert [array["trials"] for array in planned["arrays"]] == [16]
    assert planned["scripts"].keys() == {array["array"] for array in planned["arrays"]}
    assert planned["estimate"]["jobs"] == 1
    assert (planned["finished_packs"], planned["packs_in_flight"], planned["packs_kept_back"]) == (0, 0, [])
    assert main(["submit", *there, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == planned
    assert main(["plan", *there]) == 0
    text, said = capsys.readouterr()
    assert main(["submit", *there, "--dry-run"]) == 0
    assert capsys.readouterr() == (text, said)
    assert "share of work %" in text
    assert "nothing was sent" in said
    assert not Path("runs").exists()


@pytest.mark.parametrize("kind", TABLES)
def test_list_names_every_definition_with_its_sentence(kind, capsys):
    assert kind in LISTABLE_KINDS
    assert main(["list", kind]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [re.split(r"  +", line, maxsplit=1) for line in lines] == [
        [name, definition.summary()] for name, definition in TABLES[kind].items()
    ]


def test_mistakes_are_told_with_the_place_and_the_nearest_name(config, capsys):
    refuses(capsys, ["list", "basis"], "unknown kind 'basis'\n  hint: did you mean 'bases'? known: activations, ")
    refuses(capsys, ["run", "smal.yaml"], "smal.yaml: there is no such file\n  hint: did you mean 'small.yaml'?")
    refuses(
        capsys, ["run", str(config), "--set", "stepz=3"], "--set stepz=3: unknown key 'stepz'\n  hint: did you mean 's"
    )
    refuses(capsys, ["results"], "there is no run in runs/ yet\n  hint: ")
    refuses(capsys, ["report", "nowhere"], "nowhere: there is no such folder\n  hint: no run is in 'runs'")
    config.write_text(SMALL.replace("x_squared", "x_sqared"))
    refuses(capsys, ["plan", str(config)], f"{config}:2: unknown target 'x_sqared'\n  hint: did you mean 'x_squared'?")


def test_what_a_cluster_would_refuse_is_refused_before_anything_is_written(config, capsys, monkeypatch):
    Path("mine.yaml").write_text("description: Mine.\nscheduler: local\nfolder: runs\nqueu: long\n")
    soc = ["submit", str(config), "--cluster", "soc"]
    refuses(capsys, [*soc[:-1], "socc"], "unknown cluster 'socc'\n  hint: did you mean 'soc'?")
    refuses(capsys, [*soc[:-1], "mine.yaml"], "mine.yaml:4: unknown key 'queu'\n  hint: did you mean 'queue'?")
    refuses(capsys, [*soc, "--set", "cluster.nosuch=1"], "--set cluster.nosuch=1: unknown key 'nosuch'\n  hint: ")
    refuses(
        capsys,
        [*soc, "--set", "cluster.walltime_minutes=6000"],
        "--set cluster.walltime_minutes=6000: a walltime of 6000 minutes is above the 72 hours of gpu-long\n  hint: ",
    )
    refuses(
        capsys, [*soc, "--set", "cluster.gpus=3"], "--set cluster.gpus=3: 3 GPUs are more than the 2 of a node\n  hint"
    )
    refuses(capsys, [*soc, "--out", "/tmp/runs"], "/tmp/runs: /tmp is different on each node of soc\n  hint: ")
    hopper = ["submit", str(config), "--cluster", "hopper"]
    assert main(hopper) == 2
    assert "hopper needs a project\n  hint: --set cluster.project=" in capsys.readouterr().err
    changed = ["run", str(config), "--set", "cluster.gpus=1"]
    refuses(capsys, changed, "--set cluster.gpus=1: nothing is sent to a cluster here\n  hint: add --cluster")
    monkeypatch.setenv("PATH", str(Path.cwd()))
    for cluster, missing in (("slurm_generic", "squeue is not on PATH"), ("pbs_generic", "qstat is not on PATH")):
        settings = ["--set", "cluster.folder=sent", "--set", "cluster.one_machine=true"]
        assert main(["submit", str(config), "--cluster", cluster, *settings]) == 2
        assert missing in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["mine.yaml", "small.yaml"]


def test_jobs_that_are_not_there_are_told_of(config, capsys):
    for verb in ("cancel", "logs", "retry", "status"):
        refuses(capsys, [verb], "there is no run in runs/ yet\n  hint: ")
    refuses(capsys, ["status", "nowhere"], "nowhere: there is no such folder\n  hint: ")
    main(["run", str(config)])
    (folder,) = Path("runs").iterdir()
    capsys.readouterr()
    nothing = "\n  hint: nothing was sent of this run yet"
    refuses(capsys, ["cancel", "4711"], f"{folder}: this run has no job '4711'{nothing}")
    refuses(capsys, ["logs", "4711"], f"{folder}: no trial and no job of this run is called '4711'{nothing}")
    refuses(capsys, ["retry"], f"{folder}: nothing was sent of this run yet\n  hint: submit sends it")
    for verb in ("cancel", "logs", "retry"):
        meant = f"runs/typo: there is no such folder\n  hint: known: {folder}"
        refuses(capsys, [verb, "runs/typo"], meant)
        refuses(capsys, [verb, "runs/", "4711"], "runs/plan.json: 'runs/' is not the folder of a run\n  hint: ")
        refuses(capsys, [verb, "run/typo"], "run/typo: there is no such folder\n  hint: no run is in 'run'")
    (folder / "plan.json").write_text("{")
    refuses(capsys, ["retry"], f"{folder / 'plan.json'}: not a plan: ")


def test_folder_of_another_experiment_is_not_touched(config, capsys):
    main(["run", str(config), "--out", "here"])
    before = sorted(path.name for path in Path("here").rglob("*"))
    capsys.readouterr()
    other = ["run", str(config), "--out", "here", "--set", "steps=21"]
    what = "here: holds the run of another experiment, which differs in steps\n  hint: give another --out"
    refuses(capsys, other, what)
    assert sorted(path.name for path in Path("here").rglob("*")) == before


def test_folder_that_cannot_be_written_is_one_message(config, capsys):
    Path("file").write_text("")
    refuses(capsys, ["run", str(config), "--out", "file"], "file")
    refuses(capsys, ["run", str(config), "--out", "file/below"], "file/below")
    command = f"{sys.executable} -m pipeline list bases > /dev/full"
    told = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (2, "standard output: no space left on device\n")


@pytest.mark.parametrize("words", [["run", "caf\udce9.yaml"], ["report", "runs/\udcff"]])
def test_a_name_that_is_no_utf8_is_refused_before_anything_is_done(words, capsys):
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"python -m pipeline: {words[-1]!r} is not UTF-8\n  hint: ")


def test_unusable_table_is_refused_before_a_plan_is_written(config, capsys):
    rows = "\n".join(f"{int(i == 0)},{i}" for i in range(6))
    Path("a.csv").write_text(f"x,y\n{rows}\n")
    config.write_text(
        "question: Own?\ndata: {table: {path: a.csv, inputs: x, output: y}}\nmodels: [shallow]\nwidths: 3\n"
        "inputs: {train: 2, test: 1}\n"
    )
    assert main(["run", str(config)]) == 2
    assert "x" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_failed_trials_make_exit_code_one_and_are_grouped_by_reason(config, capsys, monkeypatch):
    import pipeline.training.run

    def broken(*arguments, **named):
        raise RuntimeError("no such luck")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline.training.run, "fit", broken)
        assert main(["run", str(config)]) == 1
    assert "16 trials failed: RuntimeError: no such luck" in capsys.readouterr().err
    assert main(["run", str(config)]) == 0


def test_own_table_trains_from_its_file(tmp_path, capsys, monkeypatch):
    (tmp_path / "data").mkdir()
    rows = "\n".join(f"{i},{i * i},{3 * i - 2 * i * i}" for i in range(30))
    (tmp_path / "data" / "a.csv").write_text(f"x,y,z\n{rows}\n")
    (tmp_path / "own.yaml").write_text(
        "question: Own?\ndata: {table: {path: data/a.csv, inputs: [x, y], output: z}}\nmodels: [linear]\nwidths: 3\n"
        "optimizer: least_squares\ndtype: float64\nseeds: 1\n"
    )
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # the path of a table is relative to the file that names it
    assert main(["run", str(tmp_path / "own.yaml")]) == 0
    capsys.readouterr()
    main(["results", "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert row["test_error"] < 1e-12  # the third column is a linear function of the others


def test_every_verb_has_help_with_an_example(capsys):
    verbs = next(action for action in parser()._actions if action.choices).choices
    assert set(verbs) == {
        *("plan", "run", "results", "records", "report", "compare", "list", "check", "bench"),
        *("play", "playground", "lecture"),
        *("submit", "status", "logs", "cancel", "retry", "probe"),
        *("sync", "dashboard"),
    }
    for name, verb in verbs.items():
        text = verb.format_help()
        assert f"Example:\n  python -m pipeline {name}" in text
        assert len(verb.description) > 20


def test_reader_that_has_seen_enough_is_no_error(config):
    main(["run", str(config)])
    command = f"{sys.executable} -m pipeline results --json | head -n 1"
    told = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert told.stdout == "[\n"
    assert told.stderr == ""


def test_progress_is_one_living_line_on_a_terminal(config):
    controller, terminal = pty.openpty()
    words, environment = ["run", str(config), "--set", "steps=3000"], os.environ | {"TERM": "xterm"}
    running = preloaded.begin(*words, cwd=config.parent, env=environment, stderr=terminal)
    os.close(terminal)
    said = b""
    while True:
        try:
            said += os.read(controller, 4096)
        except OSError:  # the other end was closed
            break
    assert running.wait() == 0
    running.close()
    # a bar and beside it the sentence; in the end the bar goes and the sentence stays
    drawn = re.findall(rb"\x1b\[2K([^\r\n]* )?(\d+)/16 trials, [^,\r]+ trial-steps/s, [^\r\n]*", said)
    assert [bar != b"" for bar, _ in drawn] == [True] * (len(drawn) - 1) + [False]
    assert drawn[-1][1] == b"16"
    assert said.count(b"\n") == said.count(b"\r\n")
    left = [line for line in said.split(b"\r\n") if b"trial-steps/s" in line]
    assert len(left) - said.count(b"\x1b[1A") == 1  # the last goes up to where the bar was
