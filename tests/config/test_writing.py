"""What is shown as YAML is read as the same again."""

import pytest
import yaml

from pipeline.config import as_yaml, read_experiment
from pipeline.definitions import canonical
from pipeline.experiment.experiment import Experiment
from pipeline.models.linear import Linear
from pipeline.models.shallow import Shallow
from pipeline.problems.targets import AbsoluteValue


@pytest.mark.parametrize(
    "content", [{"a": [1, 1e-5, 2.5e300], "b": "no", "c": "1e-3", "d": None, "ü": {"e": {}}}, [], ""]
)
def test_text_holds_the_content_and_its_types(content):
    assert yaml.safe_load(as_yaml(content)) == content


def test_experiment_that_is_written_is_read_as_itself(tmp_path):
    question, target = "Is it: the 'same'? #yes", (AbsoluteValue(),)
    experiment = Experiment(question, (Linear(), Shallow()), (2, 4), target=target, learning_rates=(1e-5, 0.1))
    path = tmp_path / "shown.yaml"
    path.write_text(as_yaml(canonical(experiment)))
    assert canonical(read_experiment(path)) == canonical(experiment)
