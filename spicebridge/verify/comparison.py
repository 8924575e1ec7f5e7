"""A network, or a deck found to be one, against its equations: what users call."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

import spicebridge
from spicebridge.circuit.circuit_run import MAX_STEPS, Transform, grid_span
from spicebridge.circuit.engines import Engine, get_engine
from spicebridge.circuit.lower.corners import Clock
from spicebridge.circuit.lower.lowered_network import Lowered, lower
from spicebridge.circuit.lower.steps import ladder_step
from spicebridge.errors import CandidateError, NetworkError, SpiceBridgeError, nearest
from spicebridge.network import Network
from spicebridge.shown import with_lines
from spicebridge.theory import screen
from spicebridge.verify.candidate.candidate import read_candidate
from spicebridge.verify.candidate.trial import put_on_trial
from spicebridge.verify.reference import THEORY_RTOL, Theory
from spicebridge.verify.settle import Rules, settle_graded
from spicebridge.verify.trial import SOLVER_FLOOR, Circuit, Progress, Trial
from spicebridge.verify.verdict import Outcome, Verdict

NORMS = ("auto", "pointwise", "events")


@with_lines
def validate(
    network: Network,
    t: ArrayLike,
    *,
    tolerance: float = 1e-5,
    engine: str | Engine | Sequence[str | Engine] = "ngspice",
    step: float | None = None,
    form: str = "fast",
    method: str = "auto",
    timeout: float | None = None,
    circuit: Network | None = None,
    transform: Transform | None = None,
    max_steps: int = MAX_STEPS,
    norm: str = "auto",
    theory: object = None,
    theory_error: object = None,
    theory_map: Mapping[str, str] | None = None,
    progress: Progress | Literal[True] | None = None,
    patches: bool | int | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    results: str | Path | None = None,
) -> Verdict:
    """Compare SPICE with the network ODE, ours or somebody's own, over [0, t[-1]] and return a `Verdict`.

    Parameters
    ----------
    network : Network
        What the equations are made from.
    t : array_like (n_t,)
        Times in s; only the last counts, as the comparison is made at the simulator's own time points.
    tolerance : float
        Largest U of any signal (dimensionless, see `SignalVerdict`); above it the answer is UNRESOLVED.
    engine : str, Engine or a list of them
        Simulator; several are judged against the equations and each other (``verify/engines``).
    step : float, optional
        Coarsest step ceiling of the ladder in s; None starts coarse and refines until U meets the tolerance or a
        run would need more than `max_steps` steps.
    form : str
        "fast" or "readable" circuit.
    method : str
        Form of Kirchhoff's equations: "projector", "nodal", "loop" or "auto".
    timeout : float, optional
        Longest time of one run in s.
    circuit : Network, optional
        What the simulator gets instead of `network`; with `transform`, which edits its deck, to put a mutant or a
        circuit of one's own on trial.
    max_steps : int
        Steps of one run beyond which nothing finer is tried.
    norm : str
        "pointwise", "events" (tolerant to small shifts in time, see ``verify/events``) or "auto", which is "events"
        for edges whose law has thresholds.
    theory : optional
        Somebody's own equations or numbers, which are then on trial: a callable ``rhs(t, w) -> dw/dt`` with w (n_e,) in
        the order of the edges, integrated as it is, without bounds of ours; a pair ``(t, w)`` of arrays (n_t,) in s and
        (n_t, n_e); `Waveforms`; a result of ``scipy.integrate.solve_ivp``; or a path to csv, npz, nc, mat, raw or
        ``"mine.py:rhs"``. ``verdict.diagnosis`` names the mistake in it, ``verdict.trial`` has the three curves.
    theory_error : optional
        What the author knows of his own error in a state: a number, an array that fits (n_t, n_e), or a second run at
        another step, in any form that `theory` may have. It enters U and is not held against `tolerance`. Without it, a
        difference is UNRESOLVED unless one named mistake explains it.
    theory_map : mapping, optional
        {column: signal} for a file whose columns are not named after edges: ``{"x1": "state[0-1]"}``.
    progress : callable or True, optional
        Is told in a few words what goes on, and how far it is; True shows it in a terminal, a notebook or a log.
    patches : bool or int, optional
        True judges a network too large for a simulator patch by patch, a number draws so many edges and a patch
        around each (see ``verify/patches``); `workers` processes judge at a time, or the Dask cluster at `scheduler`
        does, and the file `results` keeps what is finished, so that a second call goes on from there.

    Returns
    -------
    Verdict
        With patches a `PatchedVerdict`. Numerical trouble in either branch is UNRESOLVED with its reason.

    Raises
    ------
    SpiceBridgeError
        Misuse, an unsolvable network at t = 0, a missing or dead simulator.
    """
    assert progress is not True
    options: dict[str, Any] = dict(tolerance=tolerance, form=form, method=method, timeout=timeout, circuit=circuit)
    options |= dict(transform=transform, max_steps=max_steps, norm=norm, progress=progress)
    if not isinstance(engine, str) and isinstance(engine, Sequence):
        from spicebridge.verify.engines import validate_engines

        if theory is not None or patches is not None:
            raise SpiceBridgeError(
                "engine: several simulators judge our own theory on the whole network; name one of them"
            )
        return validate_engines(network, t, engine, step=step, **options)
    check_tolerance(tolerance)
    if patches is not None:
        from spicebridge.verify.patches import validate_patches

        if theory is not None:
            raise SpiceBridgeError("theory: patches put a circuit on trial, not a theory; leave one of them out")
        if step is not None:
            raise SpiceBridgeError("step: patches choose their own steps; leave it out")
        where: dict[str, Any] = dict(workers=workers, scheduler=scheduler, results=results)
        return validate_patches(network, t, patches=patches, engine=engine, **where, **options)
    if workers != 1 or scheduler is not None or results is not None:
        raise SpiceBridgeError("workers, scheduler and results belong to patches; give patches=True or a number")
    stop = float(grid_span(t)[-1])
    tried = network if circuit is None else circuit
    if tried.n_edges != network.n_edges:
        raise NetworkError(
            f"the circuit has {tried.n_edges} edges and the network {network.n_edges}; compare edge by edge"
        )
    if norm not in NORMS:
        raise SpiceBridgeError(f"norm {norm!r} must be one of {', '.join(NORMS)}{nearest(str(norm), NORMS)}")
    door: Engine = get_engine(engine) if isinstance(engine, str) else engine
    say: Progress = progress or (lambda message: None)
    if theory is None and (theory_error is not None or theory_map):
        raise CandidateError("theory_error and theory_map are about somebody's own theory; give theory=")
    candidate = None
    if theory is not None:
        say("your own theory")
        candidate = read_candidate(theory, network, stop, error=theory_error, mapping=theory_map)
    rules = Rules(tolerance, step is None, max_steps)
    job = _Job(
        network=network,
        tried=tried,
        stop=stop,
        door=door,
        step=step,
        form=form,
        method=method,
        timeout=timeout,
        transform=transform,
        norm=norm,
        rules=rules,
    )
    verdict, reference = _against_ours(job, say)
    if candidate is None:
        return verdict
    return put_on_trial(candidate, network, verdict, reference, norm, say)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Job:
    """The arguments of `validate`, checked."""

    network: Network
    tried: Network
    stop: float
    door: Engine
    step: float | None
    form: str
    method: str
    timeout: float | None
    transform: Transform | None
    norm: str
    rules: Rules


def _against_ours(job: _Job, say: Progress) -> tuple[Verdict, Theory | None]:
    """The circuit against our own theory, and that theory where there is one."""
    network, tried, stop, door, rules = job.network, job.tried, job.stop, job.door, job.rules
    form, norm, transform, tolerance = job.form, job.norm, job.transform, job.rules.tolerance
    say("screening")
    checked = screen(network)
    checked.require_solvable()
    h = ladder_step(tried, stop) if job.step is None else float(job.step)
    facts: dict[str, Any] = {"screen": checked.summary, "network": network}
    if not rules.allow(stop, h):
        reason = (
            f"the finest of three runs would need {4.0 * stop / h:.3g} steps of {h / 4:.3g} s, more than max_steps = "
            f"{rules.max_steps}; shorten the span, or slow down the fastest sine"
        )
        return Verdict(outcome=Outcome.UNRESOLVED, reason=reason, tolerance=tolerance, **facts), None
    say("theory")
    theory = Theory.of(network, stop, job.method)
    plain = lower(tried, stop, h, form=form)
    facts["provenance"] = provenance(door, theory, stop, form, applied(network, norm), plain.frame.options)
    if theory.problem:
        return Verdict(outcome=Outcome.UNRESOLVED, reason=theory.problem, tolerance=tolerance, **facts), None

    def trial(clock: Clock | None) -> Trial:
        lowered = plain if clock is None else lower(tried, stop, h, form=form, clock=clock)
        others: tuple[Lowered, ...] = ()
        # Only what no step changes is made otherwise: without corners and clamps there is nothing to find.
        if lowered.corners is not None or lowered.frame.models:
            forms = dict.fromkeys(("readable" if transform is None else form, form))
            others = tuple(lower(tried, stop, h, form=kind, other_kind=True, clock=clock) for kind in forms)
        return Trial(
            theory,
            Circuit(
                network=tried, lowered=lowered, engine=door, timeout=job.timeout, transform=transform, others=others
            ),
            stop,
            norm,
            say,
        )

    found = with_witnesses(settle_graded(trial, theory, h, rules, facts), theory)
    return with_capabilities(found, door), theory


def check_tolerance(tolerance: float) -> None:
    """Raise `SpiceBridgeError` for a tolerance that is none."""
    if not (np.isfinite(tolerance) and tolerance > 0):
        raise SpiceBridgeError(f"tolerance {tolerance!r} must be positive and finite")


def applied(network: Network, norm: str) -> str:
    """The norm that "auto" stands for: that of events where a law switches."""
    if norm != "auto":
        return norm
    return "pointwise" if all(group.device.smooth for group in network.groups) else "events"


def provenance(
    engine: Engine, theory: Theory, stop: float, form: str, norm: str, options: tuple[tuple[str, object], ...]
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


def with_capabilities(verdict: Verdict, engine: Engine) -> Verdict:
    """`verdict` with what its engine can do; asked after the runs, which find an engine that hangs or dies."""
    facts = {**verdict.provenance, "capabilities": dict(engine.capabilities())}
    return replace(verdict, provenance=facts)
