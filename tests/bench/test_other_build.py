"""Another build is asked through a process that has its modules, and one that ends too early is an error."""

import json
import re

import pytest

from pipeline.bench import other_build, served_build
from pipeline.bench.bench_packs import bench_pack, in_dtype
from pipeline.errors import PipelineError
from pipeline.models.bases.wavelet import Haar
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow

SCRIPT = """
import os, sys
log = open({log!r}, "a")
log.write(os.environ["PYTHONPATH"] + "\\n")
for line in sys.stdin:
    log.write(line)
    log.flush()
    print({answer!r}, flush=True)
"""


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__main__.py").touch()
    return tmp_path


def serves(monkeypatch, checkout, answer):
    """A process that writes down what it is asked, and answers always the same."""
    script, log = checkout / "script.py", checkout / "log"
    script.write_text(SCRIPT.format(log=str(log), answer=answer))
    monkeypatch.setattr(served_build, "__file__", str(script))
    return log


def test_a_pack_is_asked_for_by_what_makes_it(monkeypatch, checkout):
    log = serves(monkeypatch, checkout, "done")
    with other_build.other_build(checkout) as other:
        network = in_dtype(bench_pack((12, 2, 5, 1), 3, Shallow()), "float64")
        steps, trained = other.steps_of(network, "sharpness")
        steps(7)
        linear = bench_pack((16, 1, 4, 1), 1, Linear(Haar()))
        other.steps_of(linear)[0](2)
    modules, *requests = log.read_text().splitlines()
    assert trained == 3
    assert modules == str(checkout)
    assert [json.loads(line) for line in requests] == [
        {"what": "sharpness", "model": "relu", "shape": [12, 2, 5, 1], "trials": 3, "dtype": "float64", "count": 7},
        {"what": "step", "model": "haar", "shape": [16, 1, 4, 1], "trials": 1, "dtype": "float32", "count": 2},
    ]
    assert other.process.returncode is not None


def test_a_process_that_does_not_answer_is_an_error(monkeypatch, checkout):
    serves(monkeypatch, checkout, "Traceback")
    with other_build.other_build(checkout) as other:
        steps, _ = other.steps_of(bench_pack((12, 2, 5, 1), 3, Shallow()))
        with pytest.raises(PipelineError, match=r"^the other build ended before it had answered"):
            steps(1)


def test_a_folder_without_the_project_is_refused(tmp_path):
    message = re.escape(f"no checkout of this project: {str(tmp_path)!r}")
    with pytest.raises(PipelineError, match=f"^{message}"), other_build.other_build(tmp_path):
        pass
