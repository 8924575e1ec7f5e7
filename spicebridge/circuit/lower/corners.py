"""Guards of corners: dummy sources whose breakpoints make a simulator begin with small steps after a corner.

After every breakpoint a simulator starts afresh with one step of first order. Its length is

    0.1 min(step before, distance to the next breakpoint)

whatever the ceiling, so that a ramp of length r and height dV, shorter than the ceiling, leaves an error of

    (0.1 r)^2/2 |dV/r| |df/dS| = 0.005 r |dV| |df/dS|

in a state with the rate f(S), the same at every ceiling. A guard is a further breakpoint at the distance

    g = GUARD min(h, r) min(1, h/h0)

after the corner, on a node that nothing else touches. The first step is then 0.1 g, and the error goes with
h^2, as that of the bulk does (measured: 5e-6 becomes 8e-8, 2e-8, 5e-9 for a ramp of 1 ms, 1 V).

Between corners nearer than a few steps the steps are parts of their distance, again at every ceiling: what they cost
(a law may have a kink there) no ladder sees. In a run that is to tell it such stretches are cut into `CUT` parts.

A `Clock` adds breakpoints where the network itself is fast: the steps are then graded along the run, which no
ceiling can do.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spicebridge.circuit.deck.elements import Element, PulseWave, PwlWave, VoltageSourceElement
from spicebridge.drives import ROUNDING, Drive, Pulse, terms

GUARD = 0.1
"""Distance of a guard from its corner, as a part of what comes next there."""
OTHER_GUARD = 0.4
"""The same, as a part of `GUARD`, in a run that is to tell what the guards cost."""
CUT, NEAR = 8, 8.0
"""Into so many parts such a run cuts stretches shorter than so many ceilings; in longer ones the ceiling decides …"""
MOST_POINTS = 2000
"""… as long as a source has no more points: a simulator looks them all through at every step."""
OTHER_CLOCK = 1.5
"""So many times the points of a clock in such a run."""
REFERENCE_STEPS = 25
"""h0 is the span over this."""
LEAST_GUARD = 1e-3
"""Guards are no nearer than this part of what comes next; their errors are then 1e-6 of those without."""
NODE = "corners"


@dataclass(frozen=True)
class Clock:
    """Where breakpoints are wanted beside corners: `count` (n,), not falling, of them have passed by `t` (n,) in s.

    This is for a step ceiling of `step`; at another one their number goes with its inverse.
    """

    t: tuple[float, ...]
    count: tuple[float, ...]
    step: float

    def times(self, step: float) -> list[float]:
        """The breakpoints at a ceiling `step` in s."""
        scale = self.step / step
        levels = (np.arange(round(self.count[-1] * scale)) + 0.5) / scale
        return [float(t) for t in np.interp(levels, self.count, self.t)]


@dataclass(frozen=True, kw_only=True)
class Corners:
    """What a network's drives ask for: lone `times` (s) with a corner, and `trains`, repeated pulses.

    `stop` is the end of the span in s, `part` the distance of a guard as a part of what comes next, `cut` the number
    of parts of stretches between near corners, and `clock` asks for more breakpoints. `node` and `name` begin the
    names of nodes and sources.
    """

    times: tuple[float, ...]
    trains: tuple[Pulse, ...]
    stop: float
    part: float = GUARD
    cut: int = 1
    clock: Clock | None = None
    node: str = NODE
    name: str = "VG"

    @classmethod
    def of(
        cls, drives: Iterable[Drive | None], stop: float, *, closer: bool = False, clock: Clock | None = None
    ) -> Corners | None:
        """The corners of `drives` before `stop` and the points of a `clock`, None where there are none.

        `closer` puts their guards at another distance, cuts near stretches and adds points of the clock.
        """
        every = dict.fromkeys(term for drive in drives for term in terms(drive))
        found = [term for term in every if term.breakpoints(stop)]
        if not found and clock is None:
            return None
        if clock is not None and closer:
            clock = replace(clock, count=tuple(OTHER_CLOCK * n for n in clock.count))
        trains = tuple(term for term in found if isinstance(term, Pulse) and _is_train(term, stop))
        lone = [t for term in found if term not in trains for t in term.breakpoints(stop)]
        times = tuple(_apart([0.0, *lone], stop)) if lone else ()
        return cls(
            times=times,
            trains=trains,
            stop=stop,
            part=GUARD * (OTHER_GUARD if closer else 1.0),
            cut=CUT if closer else 1,
            clock=clock,
        )

    def guards(self, step: float) -> tuple[Element, ...]:
        """The sources for a step ceiling `step` in s."""
        out: list[Element] = []
        part = max(self.part * min(1.0, step * REFERENCE_STEPS / self.stop), LEAST_GUARD)
        times, parts = list(self.times), {}
        if self.clock is not None:
            extra = self.clock.times(step)
            # Their number goes with 1/h: so much nearer makes the sum of their errors go with h^2.
            parts = dict.fromkeys(extra, self.part * min(1.0, step / self.clock.step) ** 0.5)
            times = _apart([0.0, *times, *extra], self.stop)
        times = self._cut(times, step)
        if times:
            gaps = np.minimum(np.diff([*times, self.stop]), step)
            guarded = [t + parts.get(t, part) * gap for t, gap in zip(times, gaps.tolist(), strict=True) if gap > 0.0]
            points = _apart([*times, *guarded], self.stop)
            # The value has to change: a simulator may leave out points on a straight line.
            wave = PwlWave(tuple((t, float(n % 2)) for n, t in enumerate(points)))
            out.append(
                VoltageSourceElement(
                    self.name, self.node, "0", wave, "nothing but breakpoints: at every corner and just after"
                )
            )
        for n, train in enumerate(self.trains):
            assert train.period is not None
            pause = train.period - train.rise - train.width - train.fall
            gaps = [gap for gap in (train.rise, train.width, train.fall, pause) if gap > ROUNDING * self.stop]
            cuts = {gap * k / self.cut for gap in gaps if gap < NEAR * step for k in range(1, self.cut)}
            late = part * min(step, *([gap / self.cut for gap in gaps] if cuts else gaps))
            for m, shift in enumerate(sorted({late} | cuts | {cut + late for cut in cuts})):
                pulse = PulseWave(
                    initial=0.0,
                    pulsed=1.0,
                    delay=train.delay + shift,
                    rise=train.rise,
                    fall=train.fall,
                    width=train.width,
                    period=train.period,
                )
                own = f"{n}" if m == 0 else f"{n}_{m}"
                what = "nothing but breakpoints: just after every corner"
                out.append(VoltageSourceElement(f"{self.name}{own}", f"{self.node}{own}", "0", pulse, what))
        return tuple(out)

    def _cut(self, times: list[float], step: float) -> list[float]:
        """`times` with the points that cut stretches between near corners."""
        ends = [*times, self.stop]
        near = [(a, b) for a, b in itertools.pairwise(ends) if b - a < NEAR * step]
        if self.cut == 1 or not near or 2 * (len(times) + (self.cut - 1) * len(near)) > MOST_POINTS:
            return times
        inner = [a + (b - a) * k / self.cut for a, b in near for k in range(1, self.cut)]
        return _apart([*times, *inner], self.stop)


def _is_train(term: Pulse, stop: float) -> bool:
    """Whether the guards of a pulse are the same pulse a little later."""
    return term.period is not None and term.width > 0.0 and term.period < stop


def _apart(times: Sequence[float], stop: float) -> list[float]:
    """`times` ascending, those that differ by rounding once."""
    ordered = sorted(times)
    later = (b for a, b in itertools.pairwise(ordered) if b - a > ROUNDING * stop)
    return [ordered[0], *later]
