"""Models, functions of inputs and weights: their registry."""

from pipeline.definitions import table
from pipeline.models import greedy, linear, shallow
from pipeline.models.model import Model

MODELS = table(Model, linear, greedy, shallow)
