"""The laws as texts against the values of the classes that were before them (data/README.md)."""

from __future__ import annotations

from bench.laws import differences


def test_values_and_derivatives_are_those_of_the_classes_before() -> None:
    found = differences()
    assert len(found) == (13 * 6 + 2 * 7) * 7 + 6
    worst = max(found, key=lambda key: found[key])
    assert found[worst] <= 1e-13, (worst, found[worst])
