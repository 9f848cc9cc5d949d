"""Inside a job: the worker that trains, its signals, and the export to W&B beside it."""
