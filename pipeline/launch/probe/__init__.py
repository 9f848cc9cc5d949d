"""Probe: a profile compared with the live cluster, and with one of its nodes."""
