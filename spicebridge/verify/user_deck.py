"""A deck that was given against the theory of the network found in it: the user's own elements on trial."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.engines import Engine, get_engine
from spicebridge.circuit.lower.user_deck import lowered_as_given
from spicebridge.circuit.recognise import Recognised, recognise_circuit
from spicebridge.circuit.simulate import MAX_STEPS, drive_timescale, first_step
from spicebridge.errors import DeckError
from spicebridge.theory import screen, solve
from spicebridge.verify.trial import LOOSENING, SOLVER_FLOOR, THEORY_RTOL, Progress, _Trial
from spicebridge.verify.verdict import Outcome, Verdict


def validate_deck(
    deck: Deck,
    found: Recognised | None = None,
    *,
    tolerance: float = 1e-5,
    engine: str | Engine = "ngspice",
    step: float | None = None,
    timeout: float | None = None,
    max_steps: int = MAX_STEPS,
    progress: Progress | None = None,
) -> Verdict:
    """Compare the states of a deck's own circuit over its .tran with the theory of the network in it.

    As `validate`, but what runs is the deck; `found` saves recognising it twice. Of the deck, the options
    and the step are replaced, as the error bar comes from them. Raises `NotANetwork` for a deck that is no
    network and `DeckError` for one without .tran or without memory.
    """
    say: Progress = progress or (lambda message: None)
    found = recognise_circuit(deck) if found is None else found
    network = found.network
    if deck.transient is None:
        raise DeckError("the deck has no .tran; add one, so that the circuit can be run")
    if not network.stateful.any():
        raise DeckError("the network has no memory; there is no state to compare")
    stop = deck.transient.stop
    door: Engine = get_engine(engine) if isinstance(engine, str) else engine
    checked = screen(network)
    checked.require_solvable()
    say("theory")
    fine = solve(network, stop, rtol=THEORY_RTOL, atol=THEORY_RTOL / 100)
    loose = solve(network, stop, rtol=THEORY_RTOL * LOOSENING, atol=THEORY_RTOL)
    h = first_step(network, stop) if step is None else float(step)
    lowered = lowered_as_given(deck, found, h)
    switching = any(not group.device.smooth for group in network.groups)
    facts: dict[str, Any] = {
        "engine": door.name,
        "engine_version": door.version(),
        "theory_method": fine.method,
        "form": "as given",
        "solver_floor": SOLVER_FLOOR,
        "norm": "events" if switching else "pointwise",
        "options": dict(lowered.deck.options),
        "stop": stop,
    }
    common: dict[str, Any] = {
        "tolerance": tolerance,
        "screen": checked.summary,
        "network": network,
        "provenance": facts,
    }
    for trajectory in (fine, loose):
        if not trajectory.complete:
            return Verdict(Outcome.UNRESOLVED, f"theory: {trajectory.reason}", np.nan, np.nan, **common)
    scale = min(stop, drive_timescale(network)) if switching else 0.0
    trial = _Trial(network, lowered, door, timeout, None, fine, loose, scale, say)
    verdict = trial.judge(h, adaptive=step is None, max_steps=max_steps, common=common)
    # Only states come back from a given deck: there is nothing to measure Kirchhoff's laws on.
    return replace(verdict, invariants=None, spice=None)
