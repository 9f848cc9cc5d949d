"""The pages of a sweep on W&B: a workspace of panels, and a report with the figures of the local one."""
