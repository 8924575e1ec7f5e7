"""A deck that was given against the theory of the network found in it: the user's own elements on trial."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spicebridge.circuit.circuit_run import MAX_STEPS, run_lowered
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.engines import Engine, get_engine
from spicebridge.circuit.lower.corners import Clock
from spicebridge.circuit.lower.deck_as_written import lowered_as_given, lowered_as_written
from spicebridge.circuit.lower.steps import ladder_step
from spicebridge.circuit.recognise import Recognised, recognise_circuit
from spicebridge.errors import DeckError, SpiceBridgeError
from spicebridge.theory import screen
from spicebridge.verify.against_theory import Branches, check_tolerance, compared, provenance, silent
from spicebridge.verify.reference import Theory
from spicebridge.verify.settle import Rules
from spicebridge.verify.trial import Circuit, Progress
from spicebridge.verify.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class AsWritten:
    """One run of a deck with its own options and steps, without a ladder.

    `error` is its largest deviation of a state from the theory, on `edge` at `time` in s; None where it did not run or
    did not finish, for which `problem` is the reason. `passes`: the error is within the tolerance. `step` is the
    ceiling in s that the deck has.
    """

    tolerance: float
    step: float | None = None
    error: float | None = None
    edge: str = ""
    time: float | None = None
    problem: str = ""

    @property
    def passes(self) -> bool | None:
        """None where the deck was not run as written."""
        return None if self.error is None else self.error <= self.tolerance

    def __str__(self) -> str:
        if self.error is None:
            return f"not run as written: {self.problem}"
        size = "within" if self.passes else "more than"
        return (
            f"as written: off by {self.error:.3g} at most, on {self.edge} at t = {self.time:.4g} s, {size} the "
            f"tolerance {self.tolerance:.3g}{self._remedy()}"
        )

    def _remedy(self) -> str:
        if self.passes or self.step is None:
            return ""
        assert self.error is not None
        # second order: a quarter of the error at half the step, with a margin of as much again
        enough = float(f"{self.step * math.sqrt(0.5 * self.tolerance / self.error):.1g}")
        return f"; if its step of {self.step:.3g} s alone is to blame, .tran with a ceiling of {enough:g} s would do"


def validate_deck(
    deck: Deck,
    found: Recognised | None = None,
    *,
    tolerance: float = 1e-5,
    engine: str | Engine = "ngspice",
    step: float | None = None,
    timeout: float | None = None,
    max_steps: int = MAX_STEPS,
    progress: Progress = silent,
) -> Verdict:
    """Compare the states of a deck's own circuit over its .tran with the theory of the network in it.

    As `validate`, but what runs is the deck; `found` saves recognising it twice. Of the deck, the options
    and the step are replaced, as the error bar comes from them; `run_as_written` leaves them. Raises `NotANetwork`
    for a deck that is no network and `DeckError` for one without .tran or without memory.
    """
    check_tolerance(tolerance)
    found = recognise_circuit(deck) if found is None else found
    network, stop = found.network, _stop(deck, found)
    door: Engine = get_engine(engine) if isinstance(engine, str) else engine
    checked = screen(network)
    checked.require_solvable()
    h = ladder_step(network, stop) if step is None else float(step)
    progress("theory")
    theory = Theory.of(network, stop)
    plain = lowered_as_given(deck, found, h)

    def circuit(clock: Clock | None) -> Circuit:
        lowered = plain if clock is None else lowered_as_given(deck, found, h, clock=clock)
        corners = lowered.corners is not None
        others = (lowered_as_given(deck, found, h, clock=clock, other_kind=True),) if corners else ()
        # Only states come back from a given deck: there is nothing to measure Kirchhoff's laws on.
        return Circuit(
            network=network, lowered=lowered, engine=door, timeout=timeout, others=others, signals=("state",)
        )

    options = plain.frame.options
    branches = Branches(
        theory=theory,
        circuit=circuit,
        engine=door,
        stop=stop,
        step=h,
        rules=Rules(tolerance, step is None, max_steps),
        say=progress,
        screen=checked.summary,
        provenance=provenance(door, theory, stop, form="as given", norm="auto", options=options),
    )
    return compared(branches)


def run_as_written(
    deck: Deck,
    found: Recognised | None = None,
    *,
    tolerance: float = 1e-5,
    engine: str | Engine = "ngspice",
    timeout: float | None = None,
) -> AsWritten:
    """Run a deck once with its own options and steps and compare its states with the theory.

    An engine of another language than the deck's does not run it as written. A circuit with memory is needed, and
    its .tran; what goes wrong in the run is the `problem` of the result.
    """
    check_tolerance(tolerance)
    found = recognise_circuit(deck) if found is None else found
    stop = _stop(deck, found)
    door: Engine = get_engine(engine) if isinstance(engine, str) else engine
    if door.dialect != deck.dialect:
        return AsWritten(
            tolerance=tolerance, problem=f"{door.name} does not speak the deck's language ({deck.dialect})"
        )
    theory = Theory.of(found.network, stop)
    if theory.problem:
        return AsWritten(tolerance=tolerance, problem=theory.problem)
    try:
        run = run_lowered(lowered_as_written(deck, found), engine=door, timeout=timeout)
    except SpiceBridgeError as error:
        return AsWritten(tolerance=tolerance, problem=str(error))
    if run.waveforms is None:
        return AsWritten(tolerance=tolerance, problem=f"{door.name}: {run.failure}")
    waves = run.waveforms
    gap = np.abs(waves.state - theory.waveforms(waves.t).state)
    row, edge = np.unravel_index(int(np.argmax(gap)), gap.shape)
    return AsWritten(
        tolerance=tolerance,
        step=run.step,
        error=float(gap[row, edge]),
        edge=found.network.edge_name(int(edge)),
        time=float(waves.t[row]),
    )


def _stop(deck: Deck, found: Recognised) -> float:
    if deck.transient is None:
        raise DeckError("the deck has no .tran; add one, so that the circuit can be run")
    if not found.network.stateful.any():
        raise DeckError("the network has no memory; there is no state to compare")
    return float(deck.transient.stop)


__all__ = ["AsWritten", "run_as_written", "validate_deck"]
