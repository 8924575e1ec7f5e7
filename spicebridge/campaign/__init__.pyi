"""The public names of this package, each with the module it is loaded from on first use."""

from .execution import Summary as Summary
from .execution import run as run
from .plan import Campaign as Campaign
from .plan import Point as Point
from .plan import load as load
from .table import results as results
