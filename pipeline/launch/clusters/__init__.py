"""Clusters: their profiles, the limits of their queues, and finding one by name."""
