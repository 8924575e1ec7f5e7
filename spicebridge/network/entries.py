"""What a user writes per edge (one value, one per edge, or {edge: value}) -> one entry per edge.

An edge is named by its index, or by its (tail, head) where that is unique. `keys` is the list of the latter.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from spicebridge.arrays import Array
from spicebridge.drives import DC, PWL, Drive, Pulse, Sine, Sum
from spicebridge.errors import NetworkError, QuantityError
from spicebridge.network.structure import EdgeKey
from spicebridge.quantities import parse_quantities, parse_quantity

Source = Drive | float | None
"""A drive, a level in V, or none."""
Sources = (
    Source
    | Sequence[Source]
    | Array
    | Mapping[int, Source]
    | Mapping[tuple[Hashable, Hashable], Source]
    | Mapping[EdgeKey, Source]
)
"""One for all edges, one per edge, or some by edge."""
Number = float | str
Numbers = ArrayLike | Mapping[int, Number] | Mapping[tuple[Hashable, Hashable], Number] | Mapping[EdgeKey, Number]
"""One number for all edges, one per edge, or some by edge; text may have a suffix and a unit."""
Keys = Sequence[EdgeKey]

_TURNED = {
    "drive": "the same source there is its negative (a Sine with amplitude -a, a number -S)",
    "polarity": "the polarity there is the opposite one",
}
"""What changes its sign with the orientation of an edge; a state does not."""


def edge_name(k: int, keys: Keys) -> str:
    """'edge a-b' or 'edge 3'."""
    key = keys[k]
    return f"edge {key[0]}-{key[1]}" if isinstance(key, tuple) else f"edge {k}"


def edge_index(key: object, keys: Keys, what: str) -> int:
    """Index of an edge named by its index or by its (tail, head) pair. Raises `NetworkError`."""
    if isinstance(key, numbers.Integral) and not isinstance(key, bool):
        if 0 <= int(key) < len(keys):
            return int(key)
        raise NetworkError(f"{what}: edge {key} does not exist; the network has edges 0 to {len(keys) - 1}")
    matches = [k for k, pair in enumerate(keys) if isinstance(pair, tuple) and pair == key]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise NetworkError(f"{what}: {key!r} names parallel edges {matches}; use the index")
    turned = key[::-1] if isinstance(key, tuple) else None
    back = [k for k, pair in enumerate(keys) if isinstance(pair, tuple) and pair == turned]
    if back:
        rule = f"; {_TURNED[what]}" if what in _TURNED else ""
        raise NetworkError(
            f"{what}: edge {key!r} does not exist, but edge {back[0]} goes the other way; name it {turned!r}{rule}"
        )
    raise NetworkError(f"{what}: edge {key!r} does not exist; use an edge index or (tail, head)")


def signs(active: Iterable[object], keys: Keys) -> Array:
    """P: -1 on the `active` edges, +1 elsewhere."""
    try:
        chosen = list(active)
    except TypeError:
        raise NetworkError(f"active: {active!r} must be a list of edge indices, such as [2]") from None
    P = np.ones(len(keys))
    P[[edge_index(k, keys, "active") for k in chosen]] = -1.0
    return P


def per_edge(value: object, keys: Keys, what: str, default: float) -> Array:
    """(n_e,) finite numbers."""
    n_e = len(keys)
    if isinstance(value, Mapping):
        out = np.full(n_e, default)
        for key, entry in value.items():
            out[edge_index(key, keys, what)] = _number(entry, what, key)
        return out
    try:
        array = parse_quantities(value, what=what)
    except QuantityError as error:
        raise NetworkError(str(error)) from None
    except (TypeError, ValueError):
        raise NetworkError(f"{what}: {value!r} must be a number, one per edge, or {{edge: number}}") from None
    if array.ndim == 0:
        array = np.full(n_e, float(array))
    if array.shape != (n_e,):
        raise NetworkError(f"{what}: {array.size} values for {n_e} edges; give one for all or one per edge")
    if not np.isfinite(array).all():
        k = int(np.argmin(np.isfinite(array)))
        raise NetworkError(f"{edge_name(k, keys)}: {what} {array[k]!r} must be finite")
    return array


def _number(value: object, what: str, key: object) -> float:
    try:
        if isinstance(value, str):
            value = parse_quantity(value, what=f"{what} of edge {key!r}")
        number = float(value)  # type: ignore[arg-type]
    except QuantityError as error:
        raise NetworkError(str(error)) from None
    except (TypeError, ValueError):
        raise NetworkError(f"{what}: {value!r} for edge {key!r} must be a number") from None
    if not math.isfinite(number):
        raise NetworkError(f"{what}: {value!r} for edge {key!r} must be finite")
    return number


def drives_per_edge(value: object, keys: Keys) -> tuple[Drive | None, ...]:
    """One drive per edge, None where there is no source; a number is a DC level in V."""
    n_e = len(keys)
    if value is None or isinstance(value, (Drive, numbers.Real)) or callable(value):
        return (_drive(value, "all edges"),) * n_e
    if isinstance(value, Mapping):
        out: list[Drive | None] = [None] * n_e
        for key, entry in value.items():
            k = edge_index(key, keys, "drive")
            out[k] = _drive(entry, edge_name(k, keys))
        return tuple(out)
    try:
        entries = value.tolist() if isinstance(value, np.ndarray) else list(value)  # type: ignore[call-overload]
    except TypeError:
        raise NetworkError(f"drive: {value!r} is no drive; use DC, Sine, Pulse, PWL or a number") from None
    if len(entries) != n_e:
        raise NetworkError(f"drive: {len(entries)} drives for {n_e} edges; give one for all or one per edge")
    return tuple(_drive(entry, (k, keys)) for k, entry in enumerate(entries))


def _drive(value: object, where: str | tuple[int, Keys]) -> Drive | None:
    # The protocol last: asking half a million entries for it takes longer than all the rest.
    if value is None or isinstance(value, (DC, Sine, Pulse, PWL, Sum)):
        return value
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return DC(float(value)) if value != 0 else None
    if isinstance(value, Drive):
        return value
    where = where if isinstance(where, str) else edge_name(*where)
    if callable(value):
        raise NetworkError(
            f"drive of {where}: a function of time cannot go into a netlist; sample it with a stated error: "
            "PWL.from_function(f, stop=…, tolerance=1e-4)"
        )
    raise NetworkError(f"drive of {where}: {value!r} is no drive; use DC, Sine, Pulse, PWL or a number")
