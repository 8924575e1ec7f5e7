"""Random networks for property tests: multigraphs with everything a graph may have.

The numbers are moderate on purpose: resistances of 10 ohm to 10 kohm, states well inside (0, 1),
sources of at most 1 V, so that a property that fails does so for a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from spicebridge.drives import DC, PWL, Drive, Pulse, Sine, Sum
from spicebridge.laws import LinearMemristor, Resistor
from spicebridge.network import Network
from spicebridge.windows import Biolek, Hard, Joglekar, NoWindow, Tanh, Window

CONTROLS = ("current", "voltage", "voltage_eq61")


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """Floats in [low, high] that print short, zero included only when the bounds allow it."""
    return st.integers(0, 1000).map(lambda k: low + (high - low) * k / 1000)


@st.composite
def edge_lists(
    draw: st.DrawFn, *, min_edges: int = 1, max_edges: int = 12, max_components: int = 3
) -> list[tuple[int, int]]:
    """Oriented edges of a multigraph: a random forest (bridges) and chords, parallels and loops."""
    edges: list[tuple[int, int]] = []
    first = 0
    budget = draw(st.integers(min_edges, max_edges))
    for _ in range(draw(st.integers(1, max_components))):
        size = draw(st.integers(1, 5))
        tree = [(draw(st.integers(0, k - 1)) + first, k + first) for k in range(1, size)]
        ends = st.integers(first, first + size - 1)
        chords = draw(st.lists(st.tuples(ends, ends), max_size=6))
        edges += tree + chords
        first += size
    edges = edges[:budget]
    while len(edges) < min_edges:
        edges.append((0, draw(st.integers(0, 2))))
    order = draw(st.permutations(range(len(edges))))
    flips = draw(st.lists(st.booleans(), min_size=len(edges), max_size=len(edges)))
    return [edges[k][::-1] if flip else edges[k] for k, flip in zip(order, flips, strict=True)]


def windows() -> st.SearchStrategy[Window]:
    return st.one_of(
        st.just(NoWindow()),
        st.just(Hard()),
        st.builds(Tanh, p=numbers(50, 200), rate_scale=numbers(0.5, 2)),
        st.builds(Joglekar, p=st.integers(1, 4)),
        st.builds(Biolek, p=st.integers(1, 4)),
    )


@st.composite
def memristors(
    draw: st.DrawFn,
    *,
    laws: Sequence[str] = ("caravelli2017", "tunneling"),
    controls: Sequence[str] = CONTROLS,
    window: st.SearchStrategy[Window] | None = None,
    alpha: st.SearchStrategy[float] | None = None,
) -> LinearMemristor:
    """One memristor of the affine family with Roff/Ron between 2 and 20."""
    r_on = draw(numbers(10, 500))
    return getattr(LinearMemristor, draw(st.sampled_from(laws)))(
        r_on,
        r_on * draw(numbers(2, 20)),
        draw(alpha if alpha is not None else numbers(-0.5, 0.5)),
        draw(numbers(0.5, 2)),
        draw(st.sampled_from(controls)),
        draw(window if window is not None else st.just(NoWindow())),
    )


def resistors() -> st.SearchStrategy[Resistor]:
    return st.builds(Resistor, numbers(10, 10_000))


def _sines() -> st.SearchStrategy[Sine]:
    return st.builds(
        Sine,
        amplitude=numbers(-1, 1),
        frequency=numbers(0.1, 5),
        offset=numbers(-0.5, 0.5),
        phase=numbers(-3, 3),
        delay=st.one_of(st.just(0.0), numbers(0, 1)),
    )


@st.composite
def _pulses(draw: st.DrawFn) -> Pulse:
    rise, fall, width = draw(numbers(0.01, 0.3)), draw(numbers(0.01, 0.3)), draw(numbers(0, 0.5))
    slack = draw(st.one_of(st.none(), numbers(0, 1)))
    return Pulse(
        draw(numbers(-1, 1)),
        draw(numbers(-1, 1)),
        draw(numbers(0, 0.5)),
        rise,
        fall,
        width,
        None if slack is None else rise + width + fall + slack,
    )


@st.composite
def _lines(draw: st.DrawFn) -> PWL:
    gaps = draw(st.lists(numbers(0.01, 1), min_size=1, max_size=5))
    values = draw(st.lists(numbers(-1, 1), min_size=len(gaps), max_size=len(gaps)))
    return PWL(tuple(np.cumsum(gaps) - gaps[0]), tuple(values))


def drives(*, constant: bool = False) -> st.SearchStrategy[Drive]:
    """Any source waveform, sums included; `constant` gives DC only."""
    level = st.builds(DC, numbers(-1, 1))
    if constant:
        return level
    single = st.one_of(level, _sines(), _pulses(), _lines())
    return st.one_of(single, st.lists(single, min_size=2, max_size=3).map(lambda d: Sum(tuple(d))))


def _shared(pool: list[Any], count: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(pool), min_size=count, max_size=count)


@st.composite
def _parts(
    draw: st.DrawFn, n_e: int, *, active: bool, polarity: bool, constant: bool, memoryless: bool, **kinds: Any
) -> dict[str, Any]:
    laws: st.SearchStrategy[Any] = memristors(**kinds)
    if memoryless:
        laws = st.one_of(laws, laws, resistors())
    # A few laws and sources that edges share: faster to draw, and grouping has something to do
    pool = draw(st.lists(laws, min_size=1, max_size=4))
    device = pool[0] if len(pool) == 1 else draw(_shared(pool, n_e))
    sources = [None, *draw(st.lists(drives(constant=constant), min_size=1, max_size=4))]
    signs = st.lists(st.sampled_from([1, -1]), min_size=n_e, max_size=n_e)
    return {
        "device": device,
        "drive": draw(_shared(sources, n_e)),
        "initial_state": draw(st.lists(numbers(0.05, 0.9), min_size=n_e, max_size=n_e)),
        "polarity": draw(signs) if polarity else 1,
        "active": [k for k, sign in enumerate(draw(signs)) if sign < 0] if active else (),
    }


@st.composite
def networks(
    draw: st.DrawFn,
    *,
    min_edges: int = 1,
    max_edges: int = 12,
    max_components: int = 3,
    active: bool = False,
    polarity: bool = True,
    constant: bool = False,
    memoryless: bool = True,
    **kinds: Any,
) -> Network:
    """A network on a random multigraph.

    `active` lets edges have P = -1 (Kirchhoff's equations may then be singular), `polarity` lets J be -1,
    `constant` allows DC only, `memoryless` mixes in resistors; `laws`, `controls`, `window` and `alpha`
    go to `memristors`.
    """
    edges = draw(edge_lists(min_edges=min_edges, max_edges=max_edges, max_components=max_components))
    parts = draw(
        _parts(len(edges), active=active, polarity=polarity, constant=constant, memoryless=memoryless, **kinds)
    )
    return Network.from_edges(edges, **parts)


@st.composite
def loop_networks(
    draw: st.DrawFn,
    *,
    max_edges: int = 8,
    active: bool = False,
    polarity: bool = True,
    constant: bool = False,
    memoryless: bool = True,
    **kinds: Any,
) -> Network:
    """A network on a random real loop matrix of full row rank; options as `networks`."""
    n_e = draw(st.integers(1, max_edges))
    rows = draw(st.integers(1, n_e))
    rest = np.array(draw(st.lists(numbers(-1, 1), min_size=rows * n_e, max_size=rows * n_e)))
    matrix = rest.reshape(rows, n_e)
    # A dominant diagonal makes the rows independent
    matrix[:, :rows] += (1 + rows) * np.eye(rows)
    parts = draw(_parts(n_e, active=active, polarity=polarity, constant=constant, memoryless=memoryless, **kinds))
    return Network.from_loop_matrix(matrix, **parts)
