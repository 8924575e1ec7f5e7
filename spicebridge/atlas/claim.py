"""What a claim is, and all of them by name.

A claim is a statement of one of the two papers (or one found beyond them) with a function that measures it on
circuits. A family of claims is one module of ``claims``; it is imported when a claim is first asked for::

    from spicebridge import atlas
    atlas.identifiers()                      all of them
    atlas.run("p1.eq4")                      measured on the circuits of the atlas
    atlas.run("p1.eq4", network=mine)        measured on one's own network, where that makes sense
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from spicebridge.atlas import needs as user_needs
from spicebridge.atlas.bars import ClaimFinding
from spicebridge.atlas.circuits import Standard
from spicebridge.atlas.evidence import ClaimEvidence, Judgement
from spicebridge.atlas.runs import Bench
from spicebridge.errors import NetworkError, SpiceBridgeError, nearest
from spicebridge.network import Network

FAMILIES = (
    "single",
    "currents",
    "conserved_quantities",
    "regimes",
    "symmetry",
    "local_stability",
    "oscillation",
    "learning",
    "tunneling",
    "force",
    "projectors",
    "figures",
    "escapes",
    "beyond",
    "capacitors_inductors",
)
"""Modules of this package that hold claims, in the order of the page."""


class ClaimStatus(enum.Enum):
    """What a claim is expected to be; the value is the word used on the page."""

    EXACT = "exact"
    APPROXIMATE = "approximate"
    WRONG = "wrong"
    DEFINITION = "definition"


Measure = Callable[..., ClaimEvidence]
EXCHANGED = "the printed and the corrected statement exchanged"


def not_measured(bench: Bench) -> ClaimEvidence:
    """Of a claim without a measurement."""
    return ClaimEvidence(findings=())


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement and how it is measured; as a decorator it takes the function that measures it, and is known by name.

    `identifier` is p1.eq4, p2.fig3, new.flux; `printed` quotes the formula of the paper with its number, or its words
    where it has none, and `exact` says what is true; `order` is that of an approximate one. A measurement with the
    parameters `corrected` and `printed` makes the status wrong, and their exchange its mutant, unless one is given.
    `circuits` says what it is tried on, seeds included; `on` are these circuits where they are standard ones.
    `measure(bench, **parameters)` returns the evidence; the mutant is the same measurement with the parameters
    `changed`, which must turn the verdict. `needs` names what a network of the user must have (keys of
    ``needs.RULES``); None for claims about circuits of their own. `cost` is a rough time of the full measurement in s.
    """

    identifier: str = field(kw_only=False)
    title: str = field(kw_only=False)
    exact: str
    printed: str = "(not in the papers)"
    status: ClaimStatus = ClaimStatus.EXACT
    on: Standard | None = field(default=None, repr=False)
    circuits: str = ""
    mutant: str = EXCHANGED
    changed: Mapping[str, object] = field(default_factory=dict, repr=False)
    order: int | None = None
    needs: tuple[str, ...] | None = field(default=None, repr=False)
    cost: float = 2.0
    measure: Measure = field(default=not_measured, repr=False)

    def __call__(self, measure: Measure) -> Measure:
        known = FAMILY.get(self.identifier)
        if known is not None and known.measure.__module__ != measure.__module__:
            raise ValueError(f"claim {self.identifier} is registered twice")
        words = "; ".join(part for part in (self.on.words if self.on else "", self.circuits) if part)
        known_as = replace(self, measure=measure, circuits=words)
        if self.mutant == EXCHANGED:
            given = inspect.signature(measure).parameters
            swapped = {"corrected": given["printed"].default, "printed": given["corrected"].default}
            known_as = replace(known_as, status=ClaimStatus.WRONG, changed=swapped)
        FAMILY[self.identifier] = known_as
        return measure

    @property
    def paper(self) -> str:
        """ "paper 1", "paper 2" or "new"."""
        return {"p1": "paper 1", "p2": "paper 2", "new": "new"}[self.identifier.split(".")[0]]

    @property
    def expected(self) -> Judgement:
        return Judgement.REFUTED if self.status is ClaimStatus.WRONG else Judgement.CONFIRMED

    @property
    def status_text(self) -> str:
        return self.status.value if self.order is None else f"{self.status.value}, order {self.order}"

    def objection(self, network: Network) -> str:
        """Why the claim makes no sense on a network; "" where it does."""
        if self.needs is None:
            return "it is about circuits of its own"
        return user_needs.objection(network, self.needs)


@dataclass(frozen=True, kw_only=True)
class MeasuredClaim:
    """A claim after its measurement; `mutant_evidence` is None when the mutant was not tried."""

    claim: Claim
    evidence: ClaimEvidence
    mutant_evidence: ClaimEvidence | None = None
    wall_time: float = 0.0

    @property
    def verdict(self) -> Judgement:
        return self.evidence.verdict

    def __getattr__(self, name: str) -> object:
        if name in ("identifier", "paper", "title", "printed", "exact", "status", "circuits", "mutant"):
            return getattr(self.claim, name)
        raise AttributeError(name)

    @property
    def headline(self) -> ClaimFinding:
        """The finding of the table's row: against the printed statement if there is one, else the first."""
        for finding in self.evidence.findings:
            if finding.printed:
                return finding
        return self.evidence.findings[0]

    @property
    def measured(self) -> float | tuple[float, ...]:
        """The measured number, or several in the order of the findings."""
        values = tuple(finding.measured for finding in self.evidence.findings)
        return values[0] if len(values) == 1 else values

    @property
    def uncertainty(self) -> float:
        return self.headline.uncertainty

    @property
    def bar(self) -> float:
        return self.headline.bar

    @property
    def as_expected(self) -> bool:
        return self.verdict is self.claim.expected

    @property
    def mutant_verdict(self) -> Judgement | None:
        return None if self.mutant_evidence is None else self.mutant_evidence.verdict

    @property
    def mutant_caught(self) -> bool | None:
        """Whether the mutant turned the verdict; one that ends unresolved shows nothing.

        The mutant of a refuted claim exchanges the printed and the corrected statement, or changes the circuit so that
        the printed one holds: every finding against the printed statement must then fail by itself.
        """
        if self.mutant_evidence is None:
            return None
        against = [finding for finding in self.mutant_evidence.findings if finding.printed]
        turned = self.mutant_verdict not in (self.claim.expected, Judgement.UNRESOLVED)
        return turned and not any(finding.passed for finding in against)

    def __str__(self) -> str:
        finding = self.headline
        return (
            f"{self.claim.identifier}: {self.verdict.value} ({finding.what}: {finding.measured:.3g} "
            f"± {finding.uncertainty:.1g}, bar {finding.rule})"
        )


FAMILY: dict[str, Claim] = {}
"""Claims by identifier, filled as the family modules are imported."""


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
) -> MeasuredClaim:
    """Measure one claim in ngspice and judge it.

    `network` puts a network of one's own in the place of the claim's circuits, over [0, stop] s (by
    default a span in which its states move by about a quarter). `quick` uses fewer and smaller circuits;
    `mutant` also tries the claim's mutant, which must flip the verdict. Raises `NetworkError` for a claim
    that makes no sense on that network, `SimulatorError` when ngspice cannot run.
    """
    asked = get(identifier)
    if network is not None:
        reason = asked.objection(network)
        if reason:
            raise NetworkError(f"claim {identifier} makes no sense on this network: {reason}")
    started = time.perf_counter()
    bench = Bench(asked.on, quick=quick, network=network, stop=stop, seed=seed)
    evidence = asked.measure(bench)
    other = asked.measure(bench, **asked.changed) if mutant else None
    return MeasuredClaim(claim=asked, evidence=evidence, mutant_evidence=other, wall_time=time.perf_counter() - started)


def suiting(network: Network) -> tuple[str, ...]:
    """The claims that can be measured on `network`, in the order of the page."""
    return tuple(name for name in identifiers() if not get(name).objection(network))
