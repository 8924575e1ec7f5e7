"""Results that are remembered as long as what they were made from lives."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

K = TypeVar("K")
V = TypeVar("V")


def kept(make: Callable[[K], V]) -> Callable[[K], V]:
    """`make`, asked once for every object while that lives."""
    known: WeakKeyDictionary[K, V] = WeakKeyDictionary()

    @wraps(make)
    def found(of: K) -> V:
        try:
            return known[of]
        except KeyError:
            known[of] = value = make(of)
            return value

    return found
