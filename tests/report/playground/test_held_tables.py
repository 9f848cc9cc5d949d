"""A page holds the points of a table as they were trained on, each table once and up to a stated size."""

from __future__ import annotations

import json

import pytest
import torch

from pipeline.config import read_experiment
from pipeline.plans import make_plan
from pipeline.problems.datasets import Diabetes, DigitProperties, Digits, Table
from pipeline.problems.problem import TableProblem
from pipeline.report.playground.held_tables import HeldTables, table_data


@pytest.mark.parametrize("data", [Diabetes(), Digits(), DigitProperties()])
def test_points_and_targets_are_those_that_were_trained_on_to_the_last_bit(data):
    problem = TableProblem(data, 30, 10, 2)
    dataset = problem.load()
    told = json.loads(json.dumps(table_data(problem, dataset, 0)))
    points = torch.tensor(told["points"], dtype=torch.float64).view(30, problem.num_inputs)
    assert torch.equal(points, dataset.train_inputs_PD)
    targets = torch.tensor(told["targets"], dtype=torch.float64)
    if told["task"] == "classes":
        targets = torch.nn.functional.one_hot(targets.long(), problem.num_outputs).T.double()
    assert torch.equal(targets.view(problem.num_outputs, 30), dataset.train_targets_PK.mT)
    assert told["problem"] == problem.identity
    assert (told["bounds"] is None) == (data != Digits())


def test_a_table_is_held_once_and_one_that_is_too_large_is_said():
    held, first, second = HeldTables(9000), TableProblem(Diabetes(), 20, 10, 0), TableProblem(Diabetes(), 20, 10, 1)
    assert [held.number(problem) for problem in (first, second, first, second)] == [0, 1, 0, 1]
    assert held.sentences == set()
    many = TableProblem(Diabetes(), 200, 10, 0)
    assert held.number(many) is None
    (sentence,) = held.sentences
    assert sentence.endswith("its points are too many for the page, which holds 1,000,000 letters of tables.")
    assert len(held.tables) == 2


def test_the_yaml_of_a_table_names_its_file_alone_and_finds_the_same_trials_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "rows.csv"
    path.write_text("x,kind\n" + "".join(f"{i},{'abc'[i % 3]}\n" for i in range(30)))
    problem = TableProblem(Table(path, ("x",), ("kind",), "classes"), 20, 10, 4, "stratified")
    written = table_data(problem, problem.load(), 0)["written"]
    assert written["data"]["table"]["path"] == "rows.csv"
    yaml = {"question": "?", "models": ["shallow"], "widths": [2], "learning_rates": [0.1], **written}
    (tmp_path / "found.yaml").write_text(json.dumps(yaml))
    monkeypatch.chdir(tmp_path)
    plan = make_plan("found", read_experiment(tmp_path / "found.yaml"))
    assert {pack.shape.problem.identity for pack in plan.packs} == {problem.identity}
