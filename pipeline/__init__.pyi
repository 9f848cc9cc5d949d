from pipeline.api.given_experiments import plan as plan
from pipeline.api.local_runs import run as run
from pipeline.api.opened_run import Run as Run
from pipeline.api.opened_run import open_run as open  # noqa: A004, as pipeline.open
from pipeline.api.run_estimates import estimate as estimate
from pipeline.api.sent_runs import submit as submit
from pipeline.errors import PipelineError as PipelineError
from pipeline.experiment.experiment import Experiment as Experiment

__all__ = ["Experiment", "PipelineError", "Run", "estimate", "open", "plan", "run", "submit"]
__version__: str
