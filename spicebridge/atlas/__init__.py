"""Every claim of the two papers as a record with its own measurement on circuits.

from spicebridge import atlas
atlas.identifiers()                      all of them
atlas.run("p1.eq4")                      measured on the circuits of the atlas
atlas.run("p1.eq4", network=mine)        measured on one's own network, where that makes sense
"""

from spicebridge.atlas.claim import Claim, Evidence, Finding, Judgement, Result, Status, judge
from spicebridge.atlas.claim_registry import FAMILIES, get, identifiers, in_order, run, suiting

__all__ = [
    "FAMILIES",
    "Claim",
    "Evidence",
    "Finding",
    "Judgement",
    "Result",
    "Status",
    "get",
    "identifiers",
    "in_order",
    "judge",
    "run",
    "suiting",
]
