"""PBS Pro for submitit, as a plugin: the executor, the job script and ``qstat``.

It takes of this project only its errors, its subprocess wrapper and its atomic writes.

The entry points in pyproject.toml name these two classes here, and not in their module: a job that waits in a queue
runs the code of the day on which it was sent, under the entry points of today's installation.
"""

from pipeline.launch.pbs.environment import PbsJobEnvironment
from pipeline.launch.pbs.executor import PbsExecutor

__all__ = ["PbsExecutor", "PbsJobEnvironment"]
