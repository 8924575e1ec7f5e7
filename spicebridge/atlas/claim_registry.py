"""Every claim of the two papers as a record with its own measurement on circuits.

    from spicebridge import atlas
    atlas.identifiers()                      all of them
    atlas.run("p1.eq4")                      measured on the circuits of the atlas
    atlas.run("p1.eq4", network=mine)        measured on one's own network, where that makes sense

A family of claims is one module here; it is imported when a claim is first asked for.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from spicebridge.atlas.claim import FAMILY, Claim, Result, judge
from spicebridge.errors import NetworkError, SpiceBridgeError, nearest

if TYPE_CHECKING:
    from spicebridge.network import Network

FAMILIES = (
    "single",
    "currents",
    "conserved_quantities",
    "regimes",
    "symmetry",
    "local_stability",
    "rest_states",
    "oscillation",
    "learning",
    "tunneling",
    "force",
    "descent",
    "projectors",
    "figures",
    "escapes",
    "beyond",
    "capacitors_inductors",
)
"""Modules of this package that hold claims, in the order of the page."""


def _load() -> dict[str, Claim]:
    for family in FAMILIES:
        importlib.import_module(f"spicebridge.atlas.claims.{family}")
    return FAMILY


def identifiers() -> tuple[str, ...]:
    """Every claim, in the order of the page: paper 1, paper 2, new; equations before figures."""
    return tuple(in_order(_load()))


def in_order(names: Iterable[str]) -> list[str]:
    """Identifiers sorted as the papers go: numbers as numbers, sections after equations."""
    return sorted(names, key=_place)


def _place(identifier: str) -> tuple[object, ...]:
    paper, *rest = identifier.split(".")
    parts = re.findall(r"\d+|[a-z_]+", ".".join(rest))
    kind = _KINDS.index(parts[0]) if parts[0] in _KINDS else len(_KINDS)
    return (["p1", "p2", "new"].index(paper), kind, [(x.isdigit(), int(x) if x.isdigit() else 0, x) for x in parts])


_KINDS = ("eq", "sec", "fig")


def get(identifier: str) -> Claim:
    """The claim of that name. Raises `SpiceBridgeError` with the nearest known name."""
    known = _load()
    if identifier not in known:
        raise SpiceBridgeError(
            f"unknown claim {identifier!r}{nearest(identifier, known)}: identifiers look like p1.eq4, p2.fig3, new.flux"
        )
    return known[identifier]


def run(
    identifier: str,
    network: Network | None = None,
    *,
    stop: float | None = None,
    quick: bool = False,
    mutant: bool = False,
    seed: int = 0,
) -> Result:
    """Measure one claim in ngspice and judge it.

    `network` puts a network of one's own in the place of the claim's circuits, over [0, stop] s (by
    default a span in which its states move by about a quarter). `quick` uses fewer and smaller circuits;
    `mutant` also tries the claim's mutant, which must flip the verdict. Raises `NetworkError` for a claim
    that makes no sense on that network, `SimulatorError` when ngspice cannot run.
    """
    from spicebridge.atlas.runs import Bench

    claim = get(identifier)
    if network is not None:
        reason = claim.objection(network)
        if reason:
            raise NetworkError(f"claim {identifier} makes no sense on this network: {reason}")
    started = time.perf_counter()
    bench = Bench(claim.on, quick=quick, network=network, stop=stop, seed=seed)
    evidence = claim.measure(bench)
    other = claim.measure(bench, **claim.changed) if mutant else None
    return Result(
        claim=claim,
        evidence=evidence,
        verdict=judge(claim, evidence),
        mutant_evidence=other,
        wall_time=time.perf_counter() - started,
    )


def suiting(network: Network) -> tuple[str, ...]:
    """The claims that can be measured on `network`, in the order of the page."""
    return tuple(name for name in identifiers() if not get(name).objection(network))
