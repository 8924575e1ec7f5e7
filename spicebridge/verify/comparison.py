"""A network, or a deck found to be one, against its equations: what users call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from numpy.typing import ArrayLike

from spicebridge.circuit.circuit_run import MAX_STEPS, Transform, grid_span
from spicebridge.circuit.engines import Engine
from spicebridge.errors import CandidateError, SpiceBridgeError
from spicebridge.network import Network
from spicebridge.shown import with_lines
from spicebridge.verify.against_theory import Comparison, ComparisonSettings, against_theory, silent
from spicebridge.verify.candidate.theory_on_trial import validate_candidate
from spicebridge.verify.patches.run import validate_patches
from spicebridge.verify.several_engines import validate_engines
from spicebridge.verify.trial import Progress
from spicebridge.verify.verdict import Verdict


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
    network, t : Network; array_like (n_t,)
        What the equations are made from, and times in s: the last counts, as the simulator's own points are compared.
    tolerance, step, max_steps : float; float, optional; int
        Largest U of any signal (dimensionless, see `SignalVerdict`), else UNRESOLVED; coarsest step ceiling of the
        ladder in s: None starts coarse and refines until U meets the tolerance or a run exceeds `max_steps` steps.
    engine, timeout : str, Engine or a list of them; float, optional
        Simulator, and its time for a run in s; several are judged against the equations and each other.
    form, method, norm : str
        "fast" or "readable" circuit; Kirchhoff's equations as "projector", "nodal", "loop" or "auto"; "pointwise",
        "events" (tolerant to small shifts in time, see ``verify/norms``) or "auto": that where a law has thresholds.
    circuit, transform : Network; callable, optional
        What the simulator gets instead of `network`, and what edits its deck: a mutant or a circuit of one's own.
    theory, theory_map, theory_error : optional
        Somebody's own equations or numbers on trial: a callable ``rhs(t, w) -> dw/dt`` with w (n_e,) in the order of
        the edges, integrated without bounds of ours; a pair ``(t, w)`` of arrays (n_t,) in s and (n_t, n_e);
        `Waveforms`; a result of scipy's ``solve_ivp``; ``"mine.py:rhs"``; or a path to csv, npz, nc, mat, raw, with
        {column: signal} where columns are not named after edges: ``{"x1": "state[0-1]"}``. The author's own error of a
        state (a number, an array that fits (n_t, n_e), a second run at another step) enters U, not held against
        `tolerance`; without it, a difference is UNRESOLVED unless one mistake, named in ``.diagnosis``, explains it.
    progress : callable or True, optional
        Is told in a few words what goes on, and how far it is; True shows it in a terminal, a notebook or a log.
    patches, workers, scheduler, results : optional
        True judges a network too large for a simulator patch by patch, a number draws so many edges with a patch around
        each; `workers` processes or the Dask cluster at `scheduler` judge, `results` is the file of what is finished.

    Returns
    -------
    Verdict
        A `PatchedVerdict` where there are patches. Numerical trouble in either branch is UNRESOLVED with its reason.

    Raises
    ------
    SpiceBridgeError
        Misuse, an unsolvable network at t = 0, a missing or dead simulator.
    """
    assert progress is not True
    say, stop = progress or silent, float(grid_span(t)[-1])
    how = ComparisonSettings(
        tolerance=tolerance, form=form, method=method, timeout=timeout, transform=transform, norm=norm
    )
    asked = Comparison(
        network=network, stop=stop, step=step, max_steps=max_steps, circuit=circuit, settings=how, say=say
    )
    _require_one_way(engine, theory, (theory_error, theory_map), patches, (workers, scheduler, results))
    if not isinstance(engine, str) and isinstance(engine, Sequence):
        return validate_engines(asked, engine)
    asked = replace(asked, engine=engine)
    if patches is not None:
        return validate_patches(asked, patches, workers=workers, scheduler=scheduler, results=results)
    if theory is not None:
        return validate_candidate(asked, theory, error=theory_error, mapping=theory_map)
    return against_theory(asked)[0]


def _require_one_way(
    engine: object, theory: object, about_theory: tuple[object, object], patches: object, on_patches: tuple[object, ...]
) -> None:
    """Raise `SpiceBridgeError` where arguments of one way to a verdict stand beside those of another."""
    if not isinstance(engine, str) and isinstance(engine, Sequence):
        if theory is not None or patches is not None:
            raise SpiceBridgeError(
                "engine: several simulators judge our own theory on the whole network; name one of them"
            )
    elif patches is not None:
        if theory is not None:
            raise SpiceBridgeError("theory: patches put a circuit on trial, not a theory; leave one of them out")
    elif on_patches != (1, None, None):
        raise SpiceBridgeError("workers, scheduler and results belong to patches; give patches=True or a number")
    elif theory is None and (about_theory[0] is not None or about_theory[1]):
        raise CandidateError("theory_error and theory_map are about somebody's own theory; give theory=")
