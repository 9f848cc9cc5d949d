"""The estimate of memory is held against a process that trains."""

from pathlib import Path

import preloaded
import pytest

from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.experiment.resources import observed_bytes_of_trial
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.plans import make_plan
from pipeline.problems.targets import Sine

MEASURE = """
import sys, tempfile
from pathlib import Path
from pipeline.experiment.resources import bytes_of_pack, bytes_of_trial
from pipeline.experiment.axes import Inputs
from pipeline.experiment.experiment import Experiment
from pipeline.models import MODELS
from pipeline.optimizers.rules import Adam
from pipeline.plans import make_plan
from pipeline.problems.targets import Gaussian
from pipeline.training.fit import fit

def status(field):  # not ru_maxrss, which begins at what the parent took
    (line,) = [line for line in open("/proc/self/status") if line.startswith(field)]
    return int(line.split()[1]) * 1024

def pack(num, width, steps=2):  # half of the trials diverge at once
    rates = tuple(rate * (1 + i / num) for i in range(num) for rate in (0.01, 1e12))
    made = Experiment("?", (MODELS[sys.argv[1]](),), (width,), target=(Gaussian(),), optimizer=Adam(), steps=steps,
        inputs=Inputs(dimension=(4,), train=(16,), test=16), learning_rates=rates, seeds=1,
        checkpoint_seconds=1e-9, pack_memory_gib=8.0)
    (only,) = make_plan("m", made).packs
    return only, made

with tempfile.TemporaryDirectory() as folder:
    fit(*pack(2, 16), Path(folder), lambda n: None)  # everything imported and warm
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again here
    before = status("VmRSS")
    large, made = pack(int(sys.argv[2]), int(sys.argv[3]))
    fit(large, made, Path(folder), lambda n: None)
    num_trials = len(large.trials)
    print(status("VmHWM") - before, bytes_of_pack(large.shape, num_trials), bytes_of_trial(large.shape) * num_trials)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of a process is measured on Linux")
@pytest.mark.parametrize("model, seeds, width", [("shallow", 500, 2000), ("linear", 1500, 4000)])
def test_estimate_of_a_large_pack_is_close_to_what_the_process_takes(model, seeds, width, tmp_path):
    process = preloaded.begin(model, str(seeds), str(width), cwd=tmp_path, program=MEASURE)
    said, errors = process.communicate()
    assert process.returncode == 0, errors
    taken, estimated, of_trials = map(int, said.split())
    assert of_trials > 2**28  # large enough that what a process keeps in any case does not matter
    assert 0.5 < taken / estimated <= 1.1, f"{taken / 2**20:.0f} MiB taken, {estimated / 2**20:.0f} MiB estimated"


def observed(model, test, **how):
    """Bytes of the diagnostics of one trial of width 64 on 256 points."""
    inputs = Inputs(train=(256,), test=test)
    experiment = Experiment("?", (model,), (64,), target=(Sine(),), inputs=inputs, learning_rates=(0.1,))
    return observed_bytes_of_trial(make_plan("x", experiment).packs[0].shape, **how)


def test_of_networks_that_kernels_evaluate_hidden_units_at_test_points_are_not_kept():
    features, outputs = 8 * 256 * 65, 8 * 1000
    assert observed(Shallow(), 2000) - observed(Shallow(), 1000) == 4 * outputs + 65 * 3 * 4 * 1000
    of_kernels = [observed(Shallow(), test, by_kernels=True) for test in (1000, 2000)]
    assert of_kernels[1] - of_kernels[0] == 4 * outputs
    assert 3 * features < of_kernels[0] < observed(Shallow(), 1000)
    assert observed(Linear(), 1000, by_kernels=True) == observed(Linear(), 1000)
