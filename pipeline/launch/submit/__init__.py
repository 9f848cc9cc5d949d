"""Submitting: from the packs that are left to planned submissions, job requests and jobs; and cancelling them."""
