"""The public names of this package, each with the module it is loaded from on first use."""

from .campaign_plan import Campaign as Campaign
from .campaign_plan import Point as Point
from .campaign_plan import load as load
from .execution import Summary as Summary
from .execution import run as run
from .point_table import results as results
