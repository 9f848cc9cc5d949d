"""Numerical methods on stacked tensors: linear algebra, quadrature, closed forms and fits of curves."""
