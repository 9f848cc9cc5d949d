"""Bases of functions: their registry."""

from pipeline.definitions import table
from pipeline.models.bases import local_basis, polynomial, random, ridge, trigonometric, wavelet
from pipeline.models.bases.basis import Basis

BASES = table(Basis, polynomial, trigonometric, wavelet, ridge, local_basis, random)
