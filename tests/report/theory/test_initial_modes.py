"""The loss at the start is split into modes where descent follows from them."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.trial import Shape
from pipeline.models.linear import Linear
from pipeline.optimizers.rules import Adam
from pipeline.problems.datasets import Table
from pipeline.problems.table_files import read_table
from pipeline.problems.targets import Runge
from pipeline.report.theory.initial_modes import dataset_of, initial_modes


def shape_of(**changed) -> Shape:
    arguments = {"target": (Runge(),), "inputs": Inputs(train=(30,), test=40), **changed}
    return next(Experiment("?", (Linear(),), (4,), **arguments).shapes())


def test_modes_and_floor_are_the_loss_at_zero_weights():
    shape = shape_of()
    start = initial_modes(shape)
    assert start is not None
    targets = dataset_of(shape.problem).train_targets_PK.numpy()
    assert float(start.losses_S.sum() + start.floor) == pytest.approx(np.square(targets).sum() / 60, rel=1e-12)
    features = np.polynomial.legendre.legvander(dataset_of(shape.problem).train_inputs_PD[:, 0].numpy(), 3) * np.sqrt(
        [1, 3, 5, 7]
    )
    assert start.eigenvalues_S.flip(0).tolist() == pytest.approx(
        np.linalg.eigvalsh(features.T @ features / 30), rel=1e-10
    )


@pytest.mark.parametrize("changed", [{"optimizer": Adam()}, {"batch_size": 3}])
def test_where_theory_has_no_curve_there_is_no_start(changed):
    assert initial_modes(shape_of(**changed)) is None


def test_a_table_that_is_gone_has_no_points(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "\n".join(f"{i},{i * i}" for i in range(10)))
    shape = next(Experiment("?", (Linear(),), (2,), data=(Table(path, inputs=("x",), output=("y",)),)).shapes())
    assert initial_modes(shape) is not None
    path.unlink()
    read_table.cache_clear()
    assert (dataset_of(shape.problem), initial_modes(shape)) == (None, None)
