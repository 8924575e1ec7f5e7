"""Modules that are public as they stand."""

from . import loss as loss
from . import optimise as optimise
