"""Every claim of the two papers as a record with its own measurement on circuits.

from spicebridge import atlas
atlas.identifiers()                      all of them
atlas.run("p1.eq4")                      measured on the circuits of the atlas
atlas.run("p1.eq4", network=mine)        measured on one's own network, where that makes sense
"""

from spicebridge.atlas.bars import ClaimFinding
from spicebridge.atlas.claim import (
    FAMILIES,
    Claim,
    ClaimStatus,
    MeasuredClaim,
    get,
    identifiers,
    in_order,
    run,
    suiting,
)
from spicebridge.atlas.evidence import ClaimEvidence, Judgement

__all__ = [
    "FAMILIES",
    "Claim",
    "ClaimEvidence",
    "ClaimFinding",
    "ClaimStatus",
    "Judgement",
    "MeasuredClaim",
    "get",
    "identifiers",
    "in_order",
    "run",
    "suiting",
]
