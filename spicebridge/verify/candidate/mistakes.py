"""The mistakes that people make in programs for these networks, each as a program that makes it.

A `Mistake` builds, from the right network, the program with one thing wrong; some have a number (a scale, a shift) that
is fitted to what the candidate reports. `CAUSES` lists the identifiers in order of likelihood: where two mistakes have
the same trajectories, the earlier one is named and the others stand beside it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from spicebridge.arrays import Array, IntArray
from spicebridge.drives import PWL, Drive, Pulse, Sine, Sum, terms
from spicebridge.laws import Resistor
from spicebridge.network import Network
from spicebridge.theory import Topology
from spicebridge.verify.candidate.program import Clip, FreeAffine, Program, WholeRate, linear_law
from spicebridge.windows import Biolek, Hard, Joglekar, NoWindow, Tanh, Window

CAUSES: dict[str, str] = {
    "drive_sign": "the source is taken with the other sign",
    "polarity": "the polarity is the other way round",
    "peak_to_peak": "an amplitude is read as peak to peak: half of it drives the circuit",
    "rms": "an amplitude is read as rms: 1.414 times as much drives the circuit",
    "missing_drive": "the source is left out",
    "missing_offset": "the offset of the source is left out",
    "missing_phase": "the phase of the source is left out",
    "degrees": "a phase in rad is read in degrees",
    "cosine": "the sine is written as a cosine",
    "angular_frequency": "the frequency f stands where 2 pi f belongs",
    "active_sign": "the sign of an active edge is another one",
    "orientation": "the edge is turned round without its source",
    "edge_order": "edges are taken in another order",
    "swap_state": "it starts from 1 - w0",
    "initial_state": "it starts from other states",
    "w_is_resistance_fraction": "what is reported is 1 - w",
    "alpha_sign": "alpha has the other sign",
    "missing_alpha": "the term with alpha is left out",
    "xi_definition": "xi is taken as r_off/r_on instead of r_off/r_on - 1",
    "swap_r_on_r_off": "r_on and r_off are interchanged",
    "wrong_control": "the rate follows the drop where it should follow the current, or the other way round",
    "missing_window": "the bounds of the state are left out",
    "euler_step": "explicit Euler steps are too long",
    "clamp_at_walls": "states are clipped after a step",
    "wrong_window": "the bounds of the state are treated in another way",
    "missing_projector": "Omega is left off the sources: (I + xi Omega W)^-1 S",
    "transposed_projector": "the projector stands on the wrong side: (I + xi W Omega)^-1 Omega S",
    "missing_loop": "a loop is missing from the cycle matrix",
    "time_scale": "the time axis is stretched",
    "time_shift": "the time axis is shifted",
    "frequency_scale": "the sources have another frequency",
    "drive_scale": "the sources have another size",
    "beta_scale": "beta has another size",
    "alpha_scale": "alpha has another size",
    "r_off_scale": "r_off has another size",
    "r_on_scale": "r_on has another size",
}
"""Identifier -> what it means, the likeliest first."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Mistake:
    """One thing wrong with a program.

    ``build(value)`` is the program; `values` are the numbers to try first. With `free` the number is fitted: it is
    `neutral` in a right program, and `probe` away from there its effect is still nearly linear. `where` names the edge
    or the parameter. With `by_steps` it goes away with the length of the steps, so that the equations are right.
    """

    cause: str
    where: str
    build: Callable[[float], Program]
    values: tuple[float, ...] = (0.0,)
    unit: str = ""
    probe: float = 0.01
    by_steps: bool = False

    @property
    def free(self) -> bool:
        """Whether the number is fitted."""
        return bool(self.unit)

    @property
    def neutral(self) -> float:
        return 1.0 if self.unit == "1" else 0.0

    def sentence(self, value: float) -> str:
        """What is wrong, in words."""
        size = f" (factor {value:.4g})" if self.unit == "1" else f" ({value:.4g} {self.unit})" if self.unit else ""
        return f"{CAUSES[self.cause]}{size}" + (f": {self.where}" if self.where else "")


def mistakes(network: Network, t: Array, first: Array, most: int | None = None) -> Iterator[Mistake]:
    """Every mistake that makes sense on this network.

    `t` (n_t,) in s is the candidate's time axis and `first` (n_e,) its first row of states. A program that needs more
    than `most` right-hand sides is given up.
    """
    right = Program(network=network, most=most)
    yield from _of_sources(right)
    yield from _of_edges(right)
    yield from _of_starts(right, first)
    yield from _of_laws(right)
    yield from _of_walls(right)
    yield from _of_projectors(right)
    yield from _of_time(right, t)


def _always(cause: str, where: str, program: Program, *, by_steps: bool = False) -> Mistake:
    return Mistake(cause=cause, where=where, build=lambda value: program, by_steps=by_steps)


def _fitted(
    cause: str,
    where: str,
    build: Callable[[float], Program],
    values: tuple[float, ...],
    unit: str = "1",
    probe: float = 0.01,
) -> Mistake:
    return Mistake(cause=cause, where=where, build=build, values=values, unit=unit, probe=probe)


def _edited(drives: Sequence[Drive | None], edit: Callable[[Drive], Drive | None]) -> list[Drive | None] | None:
    """The drives with every term edited; None where nothing changes."""
    out: list[Drive | None] = []
    for drive in drives:
        kept = [new for term in terms(drive) if (new := edit(term)) is not None]
        out.append(None if not kept else kept[0] if len(kept) == 1 else Sum(tuple(kept)))
    return None if out == list(drives) else out


def _sine(change: Callable[[Sine], Drive | None]) -> Callable[[Drive], Drive | None]:
    return lambda term: change(term) if isinstance(term, Sine) else term


def _amplitude(factor: float) -> Callable[[Drive], Drive | None]:
    def edit(term: Drive) -> Drive:
        if isinstance(term, Sine):
            return replace(term, amplitude=factor * term.amplitude)
        if isinstance(term, Pulse):
            middle, half = (term.initial + term.pulsed) / 2, (term.pulsed - term.initial) / 2
            return replace(term, initial=middle - factor * half, pulsed=middle + factor * half)
        return term

    return edit


EDITS: tuple[tuple[str, Callable[[Drive], Drive | None]], ...] = (
    ("peak_to_peak", _amplitude(0.5)),
    ("rms", _amplitude(math.sqrt(2.0))),
    ("missing_offset", _sine(lambda s: replace(s, offset=0.0))),
    ("missing_phase", _sine(lambda s: replace(s, phase=0.0))),
    ("cosine", _sine(lambda s: replace(s, phase=s.phase + math.pi / 2))),
    ("degrees", _sine(lambda s: replace(s, phase=math.radians(s.phase)))),
    ("angular_frequency", _sine(lambda s: replace(s, frequency=s.frequency / (2 * math.pi)))),
)
"""Mistakes in every term of the sources alike."""
SCALES = (0.001, 0.01, 0.1, 0.5, 0.8, 0.9, 1.1, 1.25, 2.0, 10.0, 100.0, 1000.0)


def _of_sources(right: Program) -> Iterator[Mistake]:
    network = right.network
    drives = network.drives
    for cause, edit in EDITS:
        changed = _edited(drives, edit)
        if changed is not None:
            yield _always(cause, "", right.with_network(network.with_drive(changed)))
    driven = [k for k, drive in enumerate(drives) if drive is not None]
    if not driven:
        return
    yield _always("drive_sign", "all sources", _scaled(right, driven, -1.0))
    yield _fitted("drive_scale", "all sources", lambda a: _scaled(right, driven, a), SCALES)
    if any(isinstance(term, Sine) for drive in drives for term in terms(drive)):
        yield _fitted("frequency_scale", "", partial(_faster, right), FREQUENCIES, probe=1e-3)
    for k in driven:
        name, only = network.edge_name(k), [k]
        if len(driven) > 1:
            yield _always("drive_sign", name, _scaled(right, only, -1.0))
            yield _fitted("drive_scale", name, partial(_scaled, right, only), (1.01,))
            yield _always("missing_drive", name, _scaled(right, only, 0.0))
            for cause, edit in EDITS:
                changed = _edited([drives[k]], edit)
                if changed is not None:
                    yield _always(cause, name, right.with_network(_with_drive(network, k, changed[0])))
    yield from _orders(right)


FREQUENCIES = (0.1, 0.5, 5 / 6, 1.2, 2.0, 10.0)


def _faster(right: Program, factor: float) -> Program:
    changed = _edited(right.network.drives, _sine(lambda s: replace(s, frequency=factor * s.frequency)))
    return right if changed is None else right.with_network(right.network.with_drive(changed))


def _with_drive(network: Network, k: int, drive: Drive | None) -> Network:
    return network.with_drive([drive if e == k else other for e, other in enumerate(network.drives)])


def _scaled(right: Program, edges: Sequence[int], factor: float) -> Program:
    drives = list(right.network.drives)
    for k in edges:
        drive = drives[k]
        drives[k] = None if drive is None or factor == 0.0 else drive.scaled(factor)
    return right.with_network(right.network.with_drive(drives))


PAIRS = 200
"""Pairs of sources that are tried interchanged, at the most."""


def _orders(right: Program) -> Iterator[Mistake]:
    """Sources on other edges: shifted round, reversed, sorted by the names of the edges' ends, and in pairs."""
    network = right.network
    n = network.n_edges
    natural = np.arange(n)
    orders: list[tuple[str, IntArray]] = [(f"shifted by {k}", np.roll(natural, k)) for k in range(1, n)]
    orders.append(("reversed", natural[::-1]))
    if network.is_graph:
        ends = np.sort([network.tail, network.head], axis=0)
        orders.append(("sorted by their ends", np.lexsort((ends[1], ends[0]))))
        orders.append(("sorted by their heads", np.lexsort((network.tail, network.head))))
    pairs = [(a, b) for a in range(n) for b in range(a + 1, n) if network.drives[a] != network.drives[b]]
    for a, b in pairs[:PAIRS]:
        order = natural.copy()
        order[[a, b]] = b, a
        orders.append((f"{network.edge_name(a)} and {network.edge_name(b)} interchanged", order))
    for words, order in orders:
        drives = [network.drives[int(k)] for k in order]
        if drives != list(network.drives):
            yield _always("edge_order", f"sources, {words}", right.with_network(network.with_drive(drives)))


def _of_edges(right: Program) -> Iterator[Mistake]:
    network = right.network
    yield _always("polarity", "all edges", right.with_network(network.with_polarity(-network.J)))
    active = {int(k) for k in np.flatnonzero(network.P < 0)}
    if active:
        yield _always("active_sign", "all edges passive", right.with_network(network.with_active(())))
    loops = set(range(network.n_edges)) - set(Topology.of(network).bridges.tolist()) if network.is_graph else set()
    for k in np.flatnonzero(network.stateful).tolist():
        name = network.edge_name(k)
        J = network.J.copy()
        J[k] = -J[k]
        turned = network.with_polarity(J)
        yield _always("polarity", name, right.with_network(turned))
        if network.device(k).ohmic:
            yield _always("active_sign", name, right.with_network(network.with_active(sorted(active ^ {k}))))
        drive = network.drives[k]
        if drive is not None:
            turned = _with_drive(turned, k, drive.scaled(-1.0))
            yield _always("orientation", name, right.with_network(turned))
        if k in loops:
            yield _always("missing_loop", f"the loop that {name} closes", right.with_network(_cut(network, k)))


OPEN = 1e15
"""ohm: what carries no current in a loop that is left out of the cycle matrix; a part in 1e12 of its neighbours."""


def _cut(network: Network, k: int) -> Network:
    """The network whose cycle space lacks the loop of edge k: no current there, and a state that only decays."""
    law, cut = linear_law(network), _with_drive(network, k, None)
    if law is not None:
        one = {name: getattr(law, name).copy() for name in ("level", "slope", "by_i", "by_v")}
        for name, values in one.items():
            values[k] = OPEN if name == "level" else 0.0
        return cut.with_device(replace(law, **one))
    devices: list[Any] = network.devices()
    old = devices[k]
    linear = old.linear_rate(np.ones(()), np.ones(()))
    zero = np.zeros(())
    if linear is None:
        devices[k] = Resistor(np.asarray(OPEN))
    else:
        devices[k] = FreeAffine(
            level=np.asarray(OPEN), slope=zero, a=linear[0], by_i=zero, by_v=zero, window=old.window
        )
    return cut.with_device(devices)


def _of_starts(right: Program, first: Array) -> Iterator[Mistake]:
    network = right.network
    w0 = network.initial_state
    yield _always("w_is_resistance_fraction", "", replace(right, complement=True))
    yield _always("swap_state", "", right.with_network(network.with_initial_state(1.0 - w0)))
    moved = np.flatnonzero(np.abs(first - w0) > 1e-12 * np.maximum(1.0, np.abs(w0)))
    if moved.size:
        names = ", ".join(network.edge_name(int(k)) for k in moved[:4]) + (", …" if moved.size > 4 else "")
        yield _always("initial_state", names, right.with_network(network.with_initial_state(first)))


def _of_laws(right: Program) -> Iterator[Mistake]:
    network = right.network
    law = linear_law(network)
    if law is None:
        return

    level, slope, a, by_i, by_v = law.level, law.slope, law.a, law.by_i, law.by_v

    def free(**changes: Array) -> Program:
        numbers = {"level": level, "slope": slope, "a": a, "by_i": by_i, "by_v": by_v} | changes
        return right.with_network(network.with_device(FreeAffine(**numbers, window=law.window)))

    if a.any():
        yield _always("alpha_sign", "", free(a=-a))
    yield _fitted("beta_scale", "", lambda b: free(by_i=by_i / b, by_v=by_v / b), SCALES)
    if a.any():
        yield _always("missing_alpha", "", free(a=0 * a))
        yield _fitted("alpha_scale", "", lambda c: free(a=c * a), SCALES)
    on, off = np.minimum(level, level + slope), np.maximum(level, level + slope)

    def resistances(on: Array, off: Array) -> Program:
        first, last = np.where(slope > 0, on, off), np.where(slope > 0, off, on)
        return free(level=first, slope=last - first, by_i=by_i * first / level)

    yield _fitted("r_off_scale", "", lambda c: resistances(on, c * off), SCALES)
    yield _fitted("r_on_scale", "", lambda c: resistances(c * on, off), SCALES)
    # xi = Roff/Ron where Roff/Ron - 1 belongs (paper 1), chi = Ron/Roff where 1 - Ron/Roff does (paper 2).
    yield _always("xi_definition", "", free(slope=np.where(slope > 0, level + slope, -(level + slope))))
    swapped = level + slope
    yield _always("swap_r_on_r_off", "", free(level=swapped, slope=-slope, by_i=by_i * swapped / level))
    yield _always("swap_r_on_r_off", "in the resistance alone", free(level=swapped, slope=-slope))
    if by_i.any():
        yield _always("wrong_control", "by the drop", free(by_i=0 * by_i, by_v=by_i / level))
    if by_v.any():
        yield _always("wrong_control", "by the current", free(by_v=0 * by_v, by_i=by_v * level))


ON_DRIFT: tuple[Window, ...] = (Joglekar(1), Joglekar(2), Biolek(1), Biolek(2))
OTHER_WINDOWS: tuple[Window, ...] = (Hard(), Tanh(100.0), *ON_DRIFT, *(WholeRate(window) for window in ON_DRIFT))
THRESHOLDS = (Clip(), Clip(low=1.0), Clip(high=0.0), Clip(low=-np.inf), Clip(high=np.inf), Clip(low=0.5, high=0.5))
"""Right, and wrong: everything below 1 to 0, everything above 0 to 1, one wall only, rounded."""


def _windowed(network: Network, window: Window) -> Network | None:
    devices: list[Any] = network.devices()
    for k in np.flatnonzero(network.stateful).tolist():
        if not hasattr(devices[k], "window") or "window" not in getattr(devices[k], "__dataclass_fields__", {}):
            return None
        devices[k] = replace(devices[k], window=window)
    return network.with_device(devices)


def _of_walls(right: Program) -> Iterator[Mistake]:
    network = right.network
    windows = {group.device.window for group in network.groups if group.device.stateful}
    bare = _windowed(network, NoWindow())
    if bare is None:
        return
    if windows != {NoWindow()}:
        yield _always("missing_window", "", right.with_network(bare))
    for window in OTHER_WINDOWS:
        if windows != {window} and ((w0 := network.initial_state) >= 0).all() and (w0 <= 1).all():
            changed = _windowed(network, window)
            assert changed is not None
            words = f"{window.inner!r} on all of the rate" if isinstance(window, WholeRate) else repr(window)
            yield _always("wrong_window", words, right.with_network(changed))
    for clip in THRESHOLDS:
        words = f"below {clip.low:g} to 0, above {clip.high:g} to 1"
        fine = clip == Clip()
        for euler, more in ((0, ""), (1, ", Euler steps")):
            program = replace(right, network=bare, clip=clip, euler=euler)
            yield _always("clamp_at_walls", words + more, program, by_steps=fine)
    inside = replace(right, network=bare, clip=Clip(), inside=True)
    yield _always("clamp_at_walls", "in the rates alone, states run on beyond 0 and 1", inside)


def _of_projectors(right: Program) -> Iterator[Mistake]:
    if linear_law(right.network) is None:
        return
    yield _always("missing_projector", "", replace(right, projector="missing"))
    yield _always("transposed_projector", "", replace(right, projector="transposed"))


EULER_SUBSTEPS = (1, 2, 5, 10, 20, 50, 100)
"""Steps in an interval of the candidate's times, …"""
MOST_EULER_STEPS = 20_000
"""… as long as there are not more than so many in all."""


def _later(delay: float) -> Callable[[Drive], Drive | None]:
    def edit(term: Drive) -> Drive:
        if isinstance(term, Sine):
            return replace(term, phase=term.phase - 2 * math.pi * term.frequency * delay)
        if isinstance(term, Pulse):
            return replace(term, delay=max(term.delay + delay, 0.0))
        if isinstance(term, PWL) and term.times[0] + delay >= 0.0:
            return replace(term, times=tuple(time + delay for time in term.times))
        return term

    return edit


def _of_time(right: Program, t: Array) -> Iterator[Mistake]:
    network = right.network
    yield _fitted("time_scale", "", lambda c: replace(right, time_scale=c), SCALES)
    span = float(t[-1] - t[0])
    shifts = tuple(span * part for part in (-0.2, -0.1, -0.05, -0.02, 0.02, 0.05, 0.1, 0.2))
    yield _fitted("time_shift", "", lambda d: replace(right, time_shift=d), shifts, "s", probe=1e-3 * span)

    def sources_later(delay: float) -> Program:
        changed = _edited(network.drives, _later(delay))
        return right if changed is None else right.with_network(network.with_drive(changed))

    periods = [1.0 / term.frequency for drive in network.drives for term in terms(drive) if isinstance(term, Sine)]
    unit = max(periods, default=0.4 * span)
    parts = tuple(unit * k / 8 for k in (-3, -2, -1, 1, 2, 3, 4))
    yield _fitted("time_shift", "of the sources alone", sources_later, parts, "s", probe=1e-3 * unit)
    if t.size > 1:
        interval = float(np.median(np.diff(t)))
        for n in (n for n in EULER_SUBSTEPS if n == 1 or n * t.size <= MOST_EULER_STEPS):
            program = replace(right, euler=n)
            yield _always("euler_step", f"steps of {interval / n:.3g} s", program, by_steps=True)
