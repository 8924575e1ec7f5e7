"""Verdicts made by hand: no simulator runs, every number is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spicebridge.circuit.engines import RunRecord, Status
from spicebridge.drives import Sine
from spicebridge.laws import LinearMemristor
from spicebridge.network import Network
from spicebridge.report.summary import Report
from spicebridge.verify import Outcome, SignalVerdict, Verdict
from spicebridge.verify.invariants import measure
from spicebridge.verify.refinement import Ladder
from spicebridge.waveforms import Waveforms

STEPS = (0.02, 0.01, 0.005)
FLOOR = 2e-9


def ring(n_edges: int, names: tuple[Any, ...] | None = None, **options: Any) -> Network:
    """A ring of `n_edges` equal memristors under AC."""
    nodes = names or tuple(range(n_edges))
    edges = [(nodes[k], nodes[(k + 1) % n_edges]) for k in range(n_edges)]
    device = LinearMemristor.caravelli2017(100.0, 1000.0, 0.1, 1.0)
    return Network.from_edges(edges, device=device, drive=Sine(1.0, 1.0), initial_state=0.4, **options)


def signals(network: Network, t: np.ndarray, shift: float, source: str) -> Waveforms:
    """States that swing about 0.5, moved by `shift` sin(t); currents and drops obey the device law."""
    k = np.arange(network.n_edges)
    state = 0.5 + 0.1 * np.sin(t[:, None] + k) + shift * np.sin(t)[:, None]
    S = network.bank(t)
    current = S / network.resistance(state)
    drop = network.P * network.resistance(state) * current
    return Waveforms(t, state, current, drop, labels=network.edge_labels, source=source)


@pytest.fixture
def make_verdict() -> Callable[..., Verdict]:
    def make(
        outcome: str = "agrees",
        *,
        network: Network | None = None,
        n_edges: int = 3,
        error: float = 1e-6,
        U: float = 3e-6,
        waves: bool = True,
        deck: str = "* deck\n.end\n",
        log: str = "fine\n",
        reason: str = "because of 1.5e-06",
        observed_order: float | None = 2.0,
        worst_edge: str | None = None,
        **changes: Any,
    ) -> Verdict:
        network = network or ring(n_edges)
        t = np.linspace(0.0, 2.0, 101)
        theory = signals(network, t, 0.0, "theory")
        spice = signals(network, t, error, "ngspice")
        run = RunRecord(
            engine="ngspice", version="39", status=Status.COMPLETE if waves else Status.NO_OUTPUT, reason="", exit_code=0, log=log, text=deck, wall_time=0.1,
            time=t if waves else t[:0], data=np.zeros((t.size if waves else 0, 1)), vectors=("v(w0)",),
        )  # fmt: skip
        rungs = Ladder(
            steps=STEPS,
            errors=(16 * error, 4 * error, error),
            d1=12 * error,
            d2=3 * error,
            floor=FLOOR,
            order=2.0,
            richardson=error / 9,
            gci=error,
        )
        facts: dict[str, Any] = {
            "tolerance": 1e-5,
            "signals": {
                "state": SignalVerdict(
                    name="state",
                    outcome=Outcome(outcome),
                    reason=reason,
                    error=error,
                    uncertainty=U,
                    ladder=replace(rungs, order=observed_order),
                    reference=1e-11,
                    bound=None,
                    edge=network.edge_name(0) if worst_edge is None else worst_edge,
                    index=0,
                    time=1.5,
                    pointwise=error,
                )
            }
            if waves
            else {},
            "invariants": measure(network, spice) if waves else None,
            "screen": "passive",
            "network": network,
            "spice": spice if waves else None,
            "theory": theory if waves else None,
            "run": run,
            "provenance": {"engine": "ngspice", "engine_version": "39", "form": "fast", "stop": 2.0},
        }
        return Verdict(outcome=Outcome(outcome), reason=reason, **(facts | changes))

    return make


@pytest.fixture
def make_report(make_verdict: Callable[..., Verdict]) -> Callable[..., Report]:
    def make(outcome: str = "agrees", *, title: str = "A ring", **options: Any) -> Report:
        own = {name: options.pop(name) for name in ("learn", "expect", "case_text", "source") if name in options}
        return Report(verdict=make_verdict(outcome, **options), title=title, **own)

    return make
