"""The playground is written where it is asked for, and opened if that is asked, too."""

from __future__ import annotations

import webbrowser

from pipeline.cli import main
from pipeline.experiment.experiment import Experiment
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan, write_plan
from pipeline.problems.targets import Sine


def test_without_a_run_it_lies_beside_the_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["playground"]) == 0
    assert capsys.readouterr().err == "playground: runs/playground.html\n"
    assert "<title>Playground</title>" in (tmp_path / "runs" / "playground.html").read_text(encoding="utf-8")


def test_that_of_a_run_lies_in_its_folder_holds_its_trials_and_is_opened(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    plan = make_plan("waves", Experiment("Which?", (Shallow(),), (2,), (Sine(),)))
    write_plan(plan, tmp_path)
    assert main(["playground", str(tmp_path), "--open"]) == 0
    page = tmp_path / "playground.html"
    assert opened == [page.as_uri()]
    assert all(id_ in page.read_text(encoding="utf-8") for id_ in plan.trials)


def test_a_folder_that_is_no_run_is_one_sentence(tmp_path, capsys):
    assert main(["playground", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert main(["playground", str(tmp_path)]) == 2
    assert "is not the folder of a run" in capsys.readouterr().err
    assert not (tmp_path / "playground.html").exists()
