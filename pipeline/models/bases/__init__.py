"""Bases of functions: their registry."""

from pipeline.definitions import table
from pipeline.models.bases import local, polynomial, random, ridge, trigonometric, wavelet
from pipeline.models.bases.basis import Basis

BASES = table(Basis, polynomial, trigonometric, wavelet, ridge, local, random)
