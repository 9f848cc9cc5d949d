"""From a plan to jobs on a cluster, and back: submit, watch, cancel, retry."""
