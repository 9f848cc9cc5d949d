"""Notes: the files under ``jobs/`` in which submit and workers write down what was sent, began and ended."""
