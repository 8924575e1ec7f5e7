"""What somebody brings to trial: a right-hand side, arrays, waveforms or a file, read and checked against the
network."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Protocol, TypeGuard, cast

import numpy as np

from spicebridge.arrays import Array
from spicebridge.errors import CandidateError, nearest
from spicebridge.network import Graph, Network
from spicebridge.tables import Table, columns_to_edges, read_table, signals_of
from spicebridge.verify.candidate.integrate import Path, Rhs, integrate_rhs
from spicebridge.waveforms import Waveforms

NOISE = 1e-9
"""Times this part of the span off its ends are at its ends."""
SAFETY, ALIKE_STEPS = 1.25, 2.0
"""What the difference of two runs of a candidate is multiplied with for the error of the first: the first number over
|1 - r|, r the ratio of their steps, or the second number where r is 1 or cannot be seen."""


UNITS, IN_UNITS = (60.0, 1e3, 3600.0, 1e6, 1e9), 0.02
"""What units of time differ by, and how well an axis that ends too soon has to fit one of them to be asked about it."""
IN_SPAN = 10
"""Times within the span below which an axis that ends so much too late is asked about."""
ACROSS = "node voltage"
"""What differences of node potentials are called as a signal."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """Signals of every edge at the author's own times.

    `t` (n_t,) in s from 0; `state` (n_t, n_e), `current` (n_t, n_e) in A and `voltage` (n_t, n_e) in V, None where not
    given; `second` is a second run of the author, from which his error is still to be estimated. `own_error` (n_t, n_e)
    is what the author, or the integration of his callable, knows of the error of the states, None where nothing is
    known. A callable has a `path` and takes any times: `at`.
    """

    source: str
    t: Array
    state: Array
    current: Array | None = None
    voltage: Array | None = None
    across: Array | None = None
    own_error: Array | None = None
    path: Path | None = field(default=None, repr=False)
    second: Candidate | None = field(default=None, repr=False)

    @property
    def is_callable(self) -> bool:
        return self.path is not None

    @property
    def problem(self) -> str:
        """Why the callable could not be integrated, "" if it could."""
        if self.path is not None and self.path.problem:
            return f"{self.source}: {self.path.problem}"
        return "" if self.second is None else self.second.problem

    def at(self, t: Array) -> Candidate:
        """The candidate at times t (n_t,) if it is callable, else itself."""
        if self.path is None:
            return self
        error = None if self.own_error is None else np.broadcast_to(self.own_error.max(axis=0), (t.size, self.n_edges))
        return replace(self, t=t, state=self.path(t), own_error=error)

    def with_error_of_second(self, bridge: Callable[[Array], Array]) -> Candidate:
        """The candidate with an error from its second run, of first order in the step: |w1 - w2| / |1 - r|.

        `bridge` gives states (n_t, n_e) near both runs, so that other times cost nothing.
        """
        if self.second is None:
            return self
        second = self.second.at(self.t)
        r = float(np.median(np.diff(second.t)) / np.median(np.diff(self.t)))
        gap = np.abs(self.state - _on(second, self.t, bridge)).max(axis=0)
        factor = ALIKE_STEPS if abs(1.0 - r) < 0.1 else max(SAFETY / abs(1.0 - r), 1.0)
        known = 0.0 if self.own_error is None else self.own_error
        return replace(self, own_error=np.maximum(np.broadcast_to(factor * gap, self.state.shape), known), second=None)

    @property
    def n_edges(self) -> int:
        return int(self.state.shape[1])

    def signals(self) -> dict[str, Array]:
        """Name -> (n_t, n_e) of what was given."""
        given = {"state": self.state, "current": self.current, "voltage": self.voltage, ACROSS: self.across}
        return {name: values for name, values in given.items() if values is not None}


def read_candidate(
    theory: object, network: Network, stop: float, *, error: object = None, mapping: Mapping[str, str] | None = None
) -> Candidate:
    """The candidate over [0, stop] in s.

    Parameters
    ----------
    theory
        A callable ``rhs(t, w) -> dw/dt``; a pair ``(t, w)``, with w (n_t, n_e) or matrices (n_t, n, n) over the nodes;
        a triple ``(t, w, edges)`` with the columns' edges as pairs of nodes; `Waveforms`; a result of
        ``scipy.integrate.solve_ivp``, alone or with such a list of edges; or a path, also ``"mine.py:rhs"``.
    error
        What the author knows of the error of his states: a number, an array that fits (n_t, n_e), or a second run
        of his at another step (anything that `theory` may be).
    mapping
        {column: signal} for files, as for `columns_to_edges`.

    Raises
    ------
    CandidateError
        For a wrong number of edges, a shorter span, times that are not, NaN, a callable that does not answer.
    """
    if mapping and not (_is_table(theory) or _is_table(error)):
        raise CandidateError("theory: a map of columns is for files; arrays and functions have the network's order")
    found = _read(theory, network, stop, mapping, "theory")
    if error is None:
        return found
    if _is_run(error):
        if error is theory or (_is_table(error) and str(error) == str(theory)):
            raise CandidateError(
                "theory_error: is the run on trial itself; a second run is one at another step or tolerance"
            )
        return replace(found, second=_read(error, network, stop, mapping, "theory_error"))
    given = _error_array(error, found)
    known = np.zeros_like(given) if found.own_error is None else found.own_error
    return replace(found, own_error=np.maximum(given, known))


def _is_run(value: object) -> bool:
    if callable(value) or isinstance(value, str | FilePath | Waveforms) or _is_scipy(value):
        return True
    if isinstance(value, tuple) and len(value) in (2, 3) and _is_scipy(value[0]):
        return True
    return isinstance(value, tuple) and (len(value) == 3 or (len(value) == 2 and np.ndim(value[1]) > 1))


def _is_table(value: object) -> bool:
    """Whether it is a path of a file with columns."""
    return isinstance(value, str | FilePath) and not _is_python(str(value))


def _is_python(text: str) -> bool:
    return text.endswith(".py") or text.rpartition(":")[0].endswith(".py")


class _ScipyResult(Protocol):
    t: Array
    y: Array


def _is_scipy(value: object) -> TypeGuard[_ScipyResult]:
    return hasattr(value, "t") and hasattr(value, "y")


def _read(theory: object, network: Network, stop: float, mapping: Mapping[str, str] | None, name: str) -> Candidate:
    if isinstance(theory, str | FilePath):
        text = str(theory)
        if text.endswith(".py"):
            raise CandidateError(f"{text}: which function of it? Give {text}:rhs for rhs(t, w)")
        if _is_python(text):
            file, _, function = text.rpartition(":")
            return _of_callable(load_rhs(file, function), network, stop, text, text)
        table = read_table(theory)
        signals = columns_to_edges(table, network, mapping)
        given = [_given(getattr(signals, signal)) for signal in ("state", "current", "voltage")]
        return _of_arrays(signals.t, given, network, stop, text, _between_nodes(table, network, mapping))
    if isinstance(theory, Waveforms):
        given = [_given(getattr(theory, signal)) for signal in ("state", "current", "voltage")]
        if set(theory.labels) == set(network.edge_labels):
            order = [theory.labels.index(label) for label in network.edge_labels]
            given = [None if values is None else values[:, order] for values in given]
        return _of_arrays(theory.t, given, network, stop, name)
    if _is_scipy(theory):
        y = np.asarray(theory.y, dtype=float)
        return _of_arrays(theory.t, [y.T if y.ndim == 2 else y, None, None], network, stop, name)
    if callable(theory):
        return _of_callable(cast(Rhs, theory), network, stop, getattr(theory, "__name__", name))
    if isinstance(theory, tuple | list) and len(theory) == 3:
        t, w, edges = theory
        return _of_arrays(t, [on_edges(_array(w, f"{name}: w"), edges, network, name), None, None], network, stop, name)
    if isinstance(theory, tuple | list) and len(theory) == 2 and _is_scipy(theory[0]):
        result, edges = theory
        return _read((result.t, np.asarray(result.y, dtype=float).T, edges), network, stop, mapping, name)
    if isinstance(theory, tuple | list) and len(theory) == 2 and np.ndim(theory[1]) == 3:
        w = from_matrices(_array(theory[1], f"{name}: w"), network, name)
        return _of_arrays(theory[0], [w, None, None], network, stop, name)
    if isinstance(theory, tuple | list) and len(theory) == 2:
        return _of_arrays(theory[0], [_array(theory[1], f"{name}: w"), None, None], network, stop, name)
    raise CandidateError(
        f"{name}: {type(theory).__name__} is nothing that can be put on trial; give rhs(t, w), a pair (t, w), "
        "Waveforms, a result of scipy's solve_ivp, or a path to csv, npz, nc, mat or mine.py:rhs"
    )


def on_edges(w: Array, edges: Sequence[tuple[Hashable, Hashable]], network: Network, name: str) -> Array:
    """States (n_t, n) of the edges [(u, v), …], in any order and direction, in the order of the network.

    Raises `CandidateError` for an edge that the network lacks, has twice, or that is missing.
    """
    if w.ndim != 2 or w.shape[1] < len(edges):
        raise CandidateError(f"{name}: w has shape {w.shape}; it must be (n_t, {len(edges)}) for {len(edges)} edges")
    if not isinstance(network.structure, Graph):
        raise CandidateError(f"{name}: a list of edges is for a network that is a graph, not a loop matrix")
    place: dict[frozenset[object], list[int]] = {}
    for k, ends in enumerate(network.structure.pairs):
        place.setdefault(frozenset(ends), []).append(k)
    out = np.zeros((w.shape[0], network.n_edges))
    seen = np.zeros(network.n_edges, dtype=bool)
    for column, ends in enumerate(edges):
        found = place.get(frozenset(ends), [])
        if len(found) != 1:
            why = (
                "is not in the network"
                if not found
                else "stands for parallel edges; give arrays in the network's order"
            )
            raise CandidateError(f"{name}: edge {ends!r} {why}")
        out[:, found[0]] = w[:, column]
        seen[found[0]] = True
    missing = np.flatnonzero(~seen & network.stateful)
    if missing.size:
        raise CandidateError(f"{name}: {network.edge_name(int(missing[0]))} is missing from the list of edges")
    return out


def from_matrices(W: Array, network: Network, name: str) -> Array:
    """States (n_t, n_e) from matrices (n_t, n, n) over the nodes, as loops over adjacency matrices have them.

    The entry in the row of the tail counts, or that in the row of the head where the first is 0 all the time.
    """
    n = network.n_nodes if network.is_graph else 0
    if W.shape[1:] != (n, n):
        raise CandidateError(
            f"{name}: w has shape {W.shape}; matrices must be (n_t, {n}, {n}), in the order of the network's nodes"
        )
    pairs = list(zip(network.tail.tolist(), network.head.tolist(), strict=True))
    if len({frozenset(pair) for pair in pairs}) < len(pairs):
        raise CandidateError(f"{name}: matrices cannot hold parallel edges; give (n_t, n_e)")
    forth, back = W[:, network.tail, network.head], W[:, network.head, network.tail]
    return np.asarray(np.where(forth.any(axis=0), forth, back))


def _array(value: object, name: str) -> Array:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise CandidateError(f"{name} is no array of numbers: {error}") from None


def _given(values: Array) -> Array | None:
    """None where no column gave the signal."""
    return None if np.isnan(values).all() else values


def load_rhs(file: str, name: str) -> Rhs:
    """The function `name` of the Python file, which is run and may import its neighbours. Raises `CandidateError`."""
    place = FilePath(file)
    if not place.is_file():
        raise CandidateError(f"{file}: there is no such file")
    spec = importlib.util.spec_from_file_location(place.stem, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    beside = str(place.resolve().parent)
    sys.path.insert(0, beside)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise CandidateError(f"{file}: raised {type(error).__name__} when it was loaded: {error}") from error
    finally:
        sys.path.remove(beside)
    found = getattr(module, name, None)
    if not callable(found):
        others = ", ".join(sorted(key for key, value in vars(module).items() if callable(value) and key[0] != "_"))
        raise CandidateError(f"{file}: has no function {name!r}; there are {others or 'none'}")
    return cast(Rhs, found)


def _between_nodes(table: Table, network: Network, mapping: Mapping[str, str] | None) -> Array | None:
    """Differences (n_t, n_e) of the potentials at the ends of edges, from columns called p[node] or mapped to that.

    What a simulator calls V(a) is a node of its own circuit and needs a map. If one node alone has no column, it is the
    reference at 0 V.
    """
    mapped = {table.find(column) for column in mapping or {}}
    columns = {
        column: signal
        for column, signal in signals_of(table, mapping).items()
        if signal.kind == "p" and (column in mapped or column.lstrip().lower().startswith("p["))
    }
    if not columns:
        return None
    if not isinstance(network.structure, Graph):
        raise CandidateError(
            f"{table.source}: potentials of nodes are for a network that is a graph, not a loop matrix"
        )
    names = [str(node) for node in network.nodes]
    potential = np.full((table.t.size, len(names)), np.nan)
    for column, signal in columns.items():
        if signal.name not in names:
            raise CandidateError(
                f"{table.source}: column {column!r}: node {signal.name!r} does not exist{nearest(signal.name, names)}"
            )
        values = table.columns[column] / signal.factor
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise CandidateError(f"{table.source}: column {column!r} is {values[bad[0]]} in row {int(bad[0])}")
        potential[:, names.index(signal.name)] = values
    without = np.flatnonzero(np.isnan(potential).all(axis=0))
    if without.size == 1:
        potential[:, without] = 0.0
    return np.asarray(potential[:, network.tail] - potential[:, network.head])


def _of_callable(rhs: Rhs, network: Network, stop: float, source: str, name: str = "theory") -> Candidate:
    path, error = integrate_rhs(rhs, network, stop, name)
    t = np.linspace(0.0, path.stop, 2)
    return Candidate(source=source, t=t, state=path(t), own_error=np.tile(error, (t.size, 1)), path=path)


def _of_arrays(
    t: object, given: list[Array | None], network: Network, stop: float, source: str, across: Array | None = None
) -> Candidate:
    times = _array(t, f"{source}: t")
    state, current, voltage = given
    if state is None:
        raise CandidateError(f"{source}: has no states; a trial needs the state of every edge with memory")
    _check_times(times, stop, source)
    signals = {"w": state, "current": current, "voltage": voltage}
    for name, values in signals.items():
        if values is not None:
            signals[name] = _fitted(values, times, network, name, source)
    last = int(np.searchsorted(times, stop * (1.0 + NOISE), side="right"))
    w, i, v = (None if values is None else values[:last] for values in signals.values())
    assert w is not None
    return Candidate(
        source=source,
        t=np.clip(times[:last], 0.0, stop),
        state=w,
        current=i,
        voltage=v,
        across=None if across is None else across[:last],
    )


def _check_times(t: Array, stop: float, source: str) -> None:
    if t.ndim != 1 or t.size < 2:
        raise CandidateError(f"{source}: t has shape {t.shape}; it must be (n_t,) with n_t >= 2")
    if not np.isfinite(t).all():
        raise CandidateError(f"{source}: t[{int(np.flatnonzero(~np.isfinite(t))[0])}] is not a number")
    back = np.flatnonzero(np.diff(t) <= 0.0)
    if back.size:
        k = int(back[0])
        raise CandidateError(f"{source}: t must increase, and t[{k + 1}] = {t[k + 1]:.6g} s follows {t[k]:.6g} s")
    if abs(t[0]) > NOISE * stop:
        raise CandidateError(
            f"{source}: begins at t = {t[0]:.6g} s; a trial begins at 0, with the initial states in the first row"
        )
    if t[-1] < stop * (1.0 - NOISE):
        raise CandidateError(
            f"{source}: ends at t = {t[-1]:.6g} s, before the span of {stop:.6g} s; shorten the span (t=…) to what "
            f"there is{_unit_of(stop / t[-1], 'short')}"
        )
    within = int(np.searchsorted(t, stop * (1.0 + NOISE), side="right"))
    unit = _unit_of(t[-1] / stop, "long")
    if within < 2 or (within < IN_SPAN and unit):
        raise CandidateError(
            f"{source}: has {within} of its {t.size} times in the span of {stop:.6g} s and ends at {t[-1]:.6g} s; give "
            f"more of them within the span{unit}"
        )


def _unit_of(ratio: float, words: str) -> str:
    unit = next((unit for unit in UNITS if abs(ratio / unit - 1.0) < IN_UNITS), None)
    return f", or convert t to s if it is in another unit: it is {unit:g} times too {words}" if unit else ""


def _fitted(values: Array, t: Array, network: Network, name: str, source: str) -> Array:
    """(n_t, n_e) from that shape, or from the edges with memory alone; memoryless states are 0."""
    n, moving = network.n_edges, np.flatnonzero(network.stateful)
    if values.ndim != 2 or values.shape[0] != t.size or values.shape[1] not in (n, moving.size):
        turned = "; it looks transposed, give its .T" if values.ndim == 2 and values.shape[::-1] == (t.size, n) else ""
        some = f", or {moving.size} of those with memory" if moving.size != n else ""
        raise CandidateError(
            f"{source}: {name} has shape {values.shape}; it must be (n_t, n_e) = ({t.size}, {n}): a row per time and a "
            f"column per edge of the network, in its order{some}{turned}"
        )
    full = values
    if values.shape[1] != n:
        if name != "w":
            raise CandidateError(f"{source}: {name} has {values.shape[1]} columns and the network {n} edges")
        full = np.zeros((t.size, n))
        full[:, moving] = values
    elif name == "w":
        full = np.where(network.stateful, values, 0.0)
    if not np.isfinite(full).all():
        row, edge = np.argwhere(~np.isfinite(full))[0]
        raise CandidateError(
            f"{source}: {name} of {network.edge_name(int(edge))} is {full[row, edge]} at t = {t[row]:.6g} s (row {row})"
        )
    return full


def _error_array(error: object, found: Candidate) -> Array:
    given = _array(error, "theory_error")
    shape, offered = found.state.shape, given.shape
    if given.ndim == 1 and given.size == shape[0] != shape[1]:
        given = given[:, None]
    try:
        given = np.broadcast_to(given, shape).copy()
    except ValueError:
        raise CandidateError(
            f"theory_error: has shape {offered}; it must be a number, or fit (n_t, n_e) = {shape}"
        ) from None
    if not (np.isfinite(given).all() and (given >= 0.0).all()):
        raise CandidateError("theory_error: must be finite and not negative")
    return given


def _on(run: Candidate, t: Array, bridge: Callable[[Array], Array]) -> Array:
    """States of a run at other times: its deviation from the bridge is interpolated, never the states."""
    from scipy.interpolate import PchipInterpolator

    if run.t.size == t.size and np.array_equal(run.t, t):
        return run.state
    return np.asarray(bridge(t) + PchipInterpolator(run.t, run.state - bridge(run.t), axis=0)(t))
