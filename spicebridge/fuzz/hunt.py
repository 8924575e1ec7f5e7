"""The hunt: random specimens, one after the other, and of what differs the smallest deck per cause.

Everything follows from the seed: specimen k is made by a generator of its own, `minutes` stand for a number of
specimens (`PER_MINUTE`), and equal causes are folded in the order of k. Only a hunt that runs out of time ends early,
and it says so.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from spicebridge.circuit.engines import Engine, Job, RunRecord, Status
from spicebridge.errors import SimulatorDied, SpiceBridgeError
from spicebridge.fuzz.expressions import Expressions, random_expressions
from spicebridge.fuzz.networks import random_circuit
from spicebridge.fuzz.random_sources import FirstRow, random_source
from spicebridge.fuzz.specimen import OURS, PLAIN, NoAnswer, Outcome, Specimen

PER_MINUTE = 60
WORKERS = 2
AHEAD = 64
"""Specimens in flight; what is behind them is counted in order."""
RUN_TIMEOUT = 60.0
"""s; a small circuit that takes longer hangs."""
MOST_TRIES = 120
"""Runs that one difference may take to shrink."""
_ASKED = frozenset(("rejected", "missing_vectors", "no_output"))

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One cause: how often it was met, where first, and the smallest deck that shows it."""

    cause: str
    kind: str
    spelling: str
    refused: bool = False
    count: int
    first: int
    sentence: str
    deck: str

    @property
    def defect(self) -> bool:
        """Whether a text of ours gave a wrong value; else it is a trap of the simulator, or a text it does not take."""
        return self.spelling == OURS and not self.refused


@dataclass(frozen=True, kw_only=True)
class Hunt:
    """What a hunt found. `refused` counts plain specimens without an answer, by status of the run."""

    engine: str
    version: str
    seed: int
    wanted: int
    done: int
    seconds: float
    findings: tuple[Cause, ...]
    refused: tuple[tuple[str, int], ...]

    @property
    def defects(self) -> tuple[Cause, ...]:
        """Findings in texts of ours."""
        return tuple(f for f in self.findings if f.defect)

    @property
    def traps(self) -> tuple[Cause, ...]:
        """Findings in texts as people type them."""
        return tuple(f for f in self.findings if f.spelling == PLAIN)


def hunt(
    engine: Engine,
    *,
    circuits: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Hunt:
    """Throw `circuits` specimens (else `PER_MINUTE` for each of `minutes`) at `engine`.

    With `minutes` it ends after that time although specimens are left. Raises SpiceBridgeError for numbers that
    are not positive, and what the engine raises where it is missing.
    """
    for name, value in (("circuits", circuits), ("minutes", minutes)):
        if value is not None and not value > 0:
            raise SpiceBridgeError(f"{name} = {value!r} must be positive")
    wanted = int(circuits) if circuits is not None else max(1, round(PER_MINUTE * (minutes or 1.0)))
    version = engine.version()
    state = _Hunt(engine, seed)
    begin = time.monotonic()
    limit = None if circuits is not None or minutes is None else 60.0 * minutes
    done = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        for start in range(0, wanted, AHEAD):
            if limit is not None and time.monotonic() - begin > limit:
                break
            block = range(start, min(start + AHEAD, wanted))
            for k, (specimen, outcome) in zip(block, pool.map(state.tried, block), strict=True):
                state.count(k, specimen, outcome)
            done = block.stop
            if progress is not None:
                progress(f"{done} of {wanted} circuits, {len(state.causes)} causes")
    found = tuple(replace(f, count=state.causes[f.cause, f.spelling]) for f in state.findings)
    ordered = tuple(sorted(found, key=lambda f: (not f.defect, f.first)))
    refused = tuple(sorted(state.refused.items()))
    return Hunt(
        engine=engine.name,
        version=version,
        seed=seed,
        wanted=wanted,
        done=done,
        seconds=time.monotonic() - begin,
        findings=ordered,
        refused=refused,
    )


@dataclass(eq=False)
class _Hunt:
    """Findings so far."""

    engine: Engine
    seed: int
    causes: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[Cause] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.bare: Engine = self.engine.as_it_is() if hasattr(self.engine, "as_it_is") else self.engine

    def tried(self, k: int) -> tuple[Specimen, Outcome]:
        specimen = make(self.engine, np.random.default_rng((self.seed, k)))
        return specimen, self.check(specimen)

    def check(self, specimen: Specimen) -> Outcome:
        door = self.bare if specimen.spelling == PLAIN else self.engine
        return specimen.check(lambda *job: _run(door, specimen.spelling, *job))

    def count(self, k: int, specimen: Specimen, outcome: Outcome) -> None:
        """Fold what one specimen gave into the findings."""
        if outcome is None:
            return
        if isinstance(outcome, NoAnswer) and (specimen.spelling == PLAIN or outcome.status not in _ASKED):
            if specimen.spelling == PLAIN and len(_parts(specimen)) > 1:
                for part in _parts(specimen):
                    self.count(k, part, self.check(part))
                return
            self.refused[f"{specimen.spelling}: {outcome.status}"] += 1
            return
        for part in _parts(specimen):
            found = outcome if part is specimen else self.check(part)
            if found is None or (isinstance(found, NoAnswer) and part.spelling == PLAIN):
                continue
            self._fold(k, part, found)

    def _fold(self, k: int, specimen: Specimen, outcome: Outcome) -> None:
        for cause in self._causes(specimen, outcome):
            if (cause, specimen.spelling) in self.causes:
                self.causes[cause, specimen.spelling] += 1
                return
        small, left = self._shrunk(specimen, outcome)
        cause = next(self._causes(small, left), small.shape())
        key = (cause, small.spelling)
        self.causes[key] += 1
        if self.causes[key] > 1:
            return
        sentence, remark, refused = str(left), str(left), False
        if isinstance(left, NoAnswer):
            sentence, remark, refused = left.reason, "refused", True
        self.findings.append(
            Cause(
                cause=cause,
                kind=small.kind,
                spelling=small.spelling,
                count=1,
                first=k,
                sentence=sentence,
                deck=small.deck(remark),
                refused=refused,
            )
        )

    def _causes(self, specimen: Specimen, outcome: Outcome) -> Iterator[str]:
        """What the answer of a specimen may come from: what it was refused for, or what makes it right."""
        if isinstance(outcome, NoAnswer):
            yield f"refused: {_without_names(outcome.reason)}"
            return
        yield from (cause for cause, written in specimen.repairs().items() if self.check(written) is None)

    def _shrunk(self, specimen: Specimen, outcome: Outcome) -> tuple[Specimen, Outcome]:
        tries = 0
        same = type(outcome)
        while True:
            for option in specimen.smaller():
                if tries >= MOST_TRIES:
                    return specimen, outcome
                tries += 1
                found = self.check(option)
                if isinstance(found, same):
                    specimen, outcome = option, found
                    break
            else:
                return specimen, outcome


def _without_names(reason: str) -> str:
    """The first sentence of a reason, without line numbers and names."""
    first = re.split(r"\. Remedy|; ", reason, maxsplit=1)[0]
    return re.sub(r"\d+", "#", re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", first))[:100]


def _parts(specimen: Specimen) -> list[Specimen]:
    """One specimen for each question that is asked in it."""
    several = specimen.split() if isinstance(specimen, Expressions) else []
    return [*several] if len(several) > 1 else [specimen]


def _run(door: Engine, spelling: str, text: str, vectors: tuple[str, ...], stop: float) -> RunRecord | NoAnswer:
    try:
        job = Job(text=text, vectors=vectors, stop=stop, timeout=RUN_TIMEOUT, generated=spelling == OURS)
        record = door.run(job)
    except SimulatorDied as error:
        return NoAnswer("died", str(error))
    # A first row that is late is an answer here, and the question of one kind.
    late = record.status is Status.TRUNCATED and record.time.size > 1 and record.time[0] > 0.0
    if record.complete or (late and spelling == PLAIN):
        return record
    return NoAnswer(record.status.name.lower(), record.reason)


def make(engine: Engine, rng: np.random.Generator) -> Specimen:
    """One random specimen for an engine."""
    forms = ("fast",) if engine.dialect == "ngspice" and engine.name.startswith("neospice") else ("fast", "readable")
    pick = rng.random()
    if pick < 0.3:
        return random_expressions(rng, engine.dialect, plain=False)
    if pick < 0.55:
        return random_expressions(rng, engine.dialect, plain=True)
    if pick < 0.65:
        return random_source(rng, engine.dialect)
    if pick < 0.7 and engine.dialect == "ngspice":
        uic = bool(rng.random() < 0.5)
        return FirstRow(
            dialect=engine.dialect,
            start=float(rng.choice((0.25, 0.5, 1.5))),
            gain=float(rng.choice((2.0, -3.0))),
            uic=uic,
        )
    return random_circuit(rng, engine.dialect, forms)
