"""Formulas on tensors; they know no trial and no model."""
