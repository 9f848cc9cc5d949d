"""State of a run on its cluster: jobs in flight, incidents, status and logs."""
