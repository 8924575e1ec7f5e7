"""All claims, measured in several processes; what is finished is kept and never measured twice.

Ctrl-C ends the workers and the simulators they run; finished claims stay on disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from spicebridge import atlas
from spicebridge.atlas import record_store
from spicebridge.atlas.record_store import Record
from spicebridge.errors import NetworkError, SimulatorMissing, SpiceBridgeError
from spicebridge.network import Network
from spicebridge.pools import on_this_machine
from spicebridge.shown import counted

Progress = Callable[[str], None]

JOBS = 2
"""Processes by default."""


@dataclass(frozen=True)
class Survey:
    """How claims are measured: `key` of the records, size, seed, and the network of a user in place of the circuits."""

    key: str
    quick: bool
    seed: int = 0
    network: Network | None = None


def measure(identifier: str, survey: Survey) -> Record:
    """One claim as a record, with its mutant on the claim's own circuits; a run that fails is an unresolved one."""
    started, key = time.perf_counter(), survey.key
    try:
        mutant = survey.network is None
        return record_store.record(
            atlas.run(identifier, survey.network, quick=survey.quick, mutant=mutant, seed=survey.seed), key
        )
    except SimulatorMissing:
        raise
    except SpiceBridgeError as error:
        return record_store.failure(atlas.get(identifier), key, str(error), time.perf_counter() - started)


def measure_all(
    folder: str | Path,
    *,
    only: Sequence[str] = (),
    quick: bool = False,
    jobs: int = JOBS,
    seed: int = 0,
    network: Network | None = None,
    progress: Progress | None = None,
) -> tuple[list[Record], int]:
    """Measure every claim (or those in `only`); (records in the order of the page, how many are new).

    Records are written to ``folder/claims`` as they are finished and read from there when they were made
    with the same code, simulator, size and seed. With `network` the claims that suit it are measured on it, without
    their mutants. Raises `SimulatorMissing`, `OutputError`, and
    `SpiceBridgeError` for unknown claims.
    """
    from spicebridge.circuit.engines import get_engine

    say: Progress = progress or (lambda message: None)
    names = list(dict.fromkeys(atlas.get(name).identifier for name in only)) or list(
        atlas.identifiers() if network is None else atlas.suiting(network)
    )
    if not names:
        assert network is not None
        first = atlas.get("p1.eq4")
        raise NetworkError(
            f"no claim of the atlas suits this network: {first.identifier}, say, because {first.objection(network)}"
        )
    engine = get_engine("ngspice")
    key = record_store.key_of(f"{engine.name} {engine.version()}", quick=quick, seed=seed, network=network)
    survey = Survey(key, quick, seed, network)
    place = record_store.prepare(Path(folder))
    found = {name: kept for name in names if (kept := record_store.load(place, name, key)) is not None}
    began, before = time.monotonic(), len(found)
    if found:
        say(f"{len(found)} of {len(names)} claims are there already")
    # the longest first, so that no process idles at the end
    missing = sorted((name for name in names if name not in found), key=lambda name: -atlas.get(name).cost)
    for content in _finished(missing, survey, jobs):
        found[content["identifier"]] = content
        if content["problem"] is None:
            record_store.save(place, content)
        what = f"{content['identifier']} {content['verdict']} ({content['wall_time']:.1f} s)"
        say(counted(what, len(found), len(names), time.monotonic() - began, before=before))
    return [found[name] for name in atlas.in_order(found)], len(missing)


def _finished(names: Sequence[str], survey: Survey, jobs: int) -> Iterator[Record]:
    """Records as they are finished."""
    work = partial(_on_one_thread, survey)
    if jobs <= 1 or len(names) <= 1:
        yield from map(work, names)
        return

    def lost(name: str, reason: str) -> Record:
        return record_store.failure(atlas.get(name), survey.key, reason, 0.0)

    with closing(on_this_machine(work, names, jobs, lost)) as finished:
        yield from (content for _, content in finished)


def _on_one_thread(survey: Survey, identifier: str) -> Record:
    from spicebridge.theory.threads import one_blas_thread

    with one_blas_thread():
        return measure(identifier, survey)
