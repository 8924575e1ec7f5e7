"""The plain verdict: a circuit against our own theory of its network.

    screen ─► theory ─► lower ─► ladders, each judged ─► verdict

Both branches are made (`Branches`) before anything runs; `compared` is what becomes of them.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

import spicebridge
from spicebridge.circuit.circuit_run import MAX_STEPS, Transform
from spicebridge.circuit.engines import Engine, get_engine
from spicebridge.circuit.lower.corners import Clock
from spicebridge.circuit.lower.lowered_network import Lowered, lower
from spicebridge.circuit.lower.steps import ladder_step
from spicebridge.errors import NetworkError, SpiceBridgeError, nearest
from spicebridge.network import Network
from spicebridge.theory import screen
from spicebridge.verify.reference import THEORY_RTOL, Theory
from spicebridge.verify.settle import Rules, settle_graded
from spicebridge.verify.trial import SOLVER_FLOOR, Circuit, Progress, Trial
from spicebridge.verify.verdict import Outcome, Verdict

NORMS = ("auto", "pointwise", "events")


def silent(message: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, kw_only=True)
class ComparisonSettings:
    """How a circuit and a theory are compared: arguments of `validate`. Raises `SpiceBridgeError`."""

    tolerance: float = 1e-5
    form: str = "fast"
    method: str = "auto"
    timeout: float | None = None
    transform: Transform | None = None
    norm: str = "auto"

    def __post_init__(self) -> None:
        check_tolerance(self.tolerance)
        if self.norm not in NORMS:
            hint = nearest(str(self.norm), NORMS)
            raise SpiceBridgeError(f"norm {self.norm!r} must be one of {', '.join(NORMS)}{hint}")


def check_tolerance(tolerance: float) -> None:
    """Raise `SpiceBridgeError` for a tolerance that is none."""
    if not (np.isfinite(tolerance) and tolerance > 0):
        raise SpiceBridgeError(f"tolerance {tolerance!r} must be positive and finite")


@dataclass(frozen=True, eq=False, kw_only=True)
class Comparison:
    """The circuit of `circuit` (None: of `network`) and the theory of `network`, to be compared over [0, `stop`] in s.

    `step` in s is the coarsest ceiling; None takes one that is refined, up to `max_steps` steps of a run.
    """

    network: Network
    stop: float
    engine: str | Engine = "ngspice"
    step: float | None = None
    max_steps: int = MAX_STEPS
    circuit: Network | None = None
    settings: ComparisonSettings = ComparisonSettings()
    say: Progress = silent

    @property
    def tried(self) -> Network:
        """The network of the circuit. Raises `NetworkError` where its edges are not those of the network."""
        tried = self.network if self.circuit is None else self.circuit
        if tried.n_edges != self.network.n_edges:
            raise NetworkError(
                f"the circuit has {tried.n_edges} edges and the network {self.network.n_edges}; compare edge by edge"
            )
        return tried

    @property
    def door(self) -> Engine:
        """The simulator. Raises `SpiceBridgeError` for a name that none has."""
        return get_engine(self.engine) if isinstance(self.engine, str) else self.engine


@dataclass(frozen=True, eq=False, kw_only=True)
class Branches:
    """Both branches of a network, made and not yet run: theory, and circuit with equal steps or those of a clock.

    The first ladder starts at the ceiling `step` in s. `screen` and `provenance` are the verdict's.
    """

    theory: Theory
    circuit: Callable[[Clock | None], Circuit]
    engine: Engine
    stop: float
    step: float
    rules: Rules
    norm: str = "auto"
    say: Progress = silent
    screen: str
    provenance: Mapping[str, object]


def against_theory(comparison: Comparison) -> tuple[Verdict, Theory | None]:
    """The verdict on a circuit, and the theory that it was held against, None where there was none to be had.

    Raises `SpiceBridgeError` for misuse, an unsolvable network at t = 0, a missing or dead simulator.
    """
    how, network, stop, say = comparison.settings, comparison.network, comparison.stop, comparison.say
    tried, engine = comparison.tried, comparison.door
    say("screening")
    checked = screen(network)
    checked.require_solvable()
    rules = Rules(how.tolerance, comparison.step is None, comparison.max_steps)
    h = ladder_step(tried, stop) if comparison.step is None else float(comparison.step)
    if not rules.allow(stop, h):
        reason = (
            f"the finest of three runs would need {4.0 * stop / h:.3g} steps of {h / 4:.3g} s, more than max_steps = "
            f"{rules.max_steps}; shorten the span, or slow down the fastest sine"
        )
        return unresolved(reason, how.tolerance, checked.summary, network), None
    say("theory")
    theory = Theory.of(network, stop, how.method)
    plain = lower(tried, stop, h, form=how.form)
    norm, options = applied(network, how.norm), plain.frame.options
    branches = Branches(
        theory=theory,
        circuit=partial(_circuit, comparison, engine, h, plain),
        engine=engine,
        stop=stop,
        step=h,
        rules=rules,
        norm=how.norm,
        say=say,
        screen=checked.summary,
        provenance=provenance(engine, theory, stop, form=how.form, norm=norm, options=options),
    )
    return with_witnesses(compared(branches), theory), None if theory.problem else theory


def _circuit(comparison: Comparison, engine: Engine, h: float, plain: Lowered, clock: Clock | None) -> Circuit:
    """What runs: `plain`, or the circuit with the steps of a clock; and the same made otherwise."""
    how, tried, stop = comparison.settings, comparison.tried, comparison.stop
    lowered = plain if clock is None else lower(tried, stop, h, form=how.form, clock=clock)
    others: tuple[Lowered, ...] = ()
    # Only what no step changes is made otherwise: without corners and clamps there is nothing to find.
    if lowered.corners is not None or lowered.frame.models:
        forms = dict.fromkeys(("readable" if how.transform is None else how.form, how.form))
        others = tuple(lower(tried, stop, h, form=form, other_kind=True, clock=clock) for form in forms)
    return Circuit(
        network=tried, lowered=lowered, engine=engine, timeout=how.timeout, transform=how.transform, others=others
    )


def compared(branches: Branches) -> Verdict:
    """Run both branches and judge them."""
    theory, network, facts = branches.theory, branches.theory.network, branches.provenance
    if theory.problem:
        nothing_run = unresolved(theory.problem, branches.rules.tolerance, branches.screen, network)
        return replace(nothing_run, provenance=facts)

    def trial(clock: Clock | None) -> Trial:
        return Trial(theory, branches.circuit(clock), branches.stop, branches.norm, branches.say)

    found = settle_graded(trial, theory, branches.step, branches.rules)
    # Asked after the runs, which find an engine that hangs or dies.
    facts = {**facts, "capabilities": dict(branches.engine.capabilities())}
    return replace(found, screen=branches.screen, network=network, provenance=facts)


def unresolved(reason: str, tolerance: float, screen: str, network: Network) -> Verdict:
    """The verdict where nothing was run."""
    return Verdict(outcome=Outcome.UNRESOLVED, reason=reason, tolerance=tolerance, screen=screen, network=network)


def applied(network: Network, norm: str) -> str:
    """The norm that "auto" stands for: that of events where a law switches."""
    if norm != "auto":
        return norm
    return "pointwise" if all(group.device.smooth for group in network.groups) else "events"


def provenance(
    engine: Engine, theory: Theory, stop: float, *, form: str, norm: str, options: Iterable[tuple[str, object]]
) -> dict[str, object]:
    """Everything needed to repeat a comparison."""
    return {
        "spicebridge": spicebridge.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "engine": engine.name,
        "engine_version": engine.version(),
        "theory_method": theory.method,
        "theory_rtol": THEORY_RTOL,
        "witnesses": theory.witnesses,
        "form": form,
        "solver_floor": SOLVER_FLOOR,
        "norm": norm,
        "options": dict(options),
        "stop": stop,
    }


def with_witnesses(verdict: Verdict, theory: Theory) -> Verdict:
    """`verdict`, where it agrees, with what says the same as the equations in another way."""
    said = [f"the {name} gives the same final states to {gap:.1g}" for name, gap in theory.witnesses.items()]
    if not (verdict.agrees and said):
        return verdict
    return replace(verdict, reason=f"{verdict.reason}; {', '.join(said)}")
