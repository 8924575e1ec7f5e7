"""What a check-up returns: one result per check, with the number behind it."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps

from spicebridge.arrays import Array
from spicebridge.modelcheck.model_under_test import Subject


class Grade(enum.Enum):
    """How a check ended. A NOTE is a property a user has to know, not a fault."""

    PASS = "pass"
    NOTE = "note"
    FAIL = "fail"
    SKIP = "skip"

    @classmethod
    def of(cls, passed: bool) -> Grade:
        return cls.PASS if passed else cls.FAIL


@dataclass(frozen=True)
class Curve:
    """One line of a plot."""

    x: Array
    y: Array
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Traces on one pair of axes; `logarithmic` scales both, `points` marks samples instead of lines."""

    x_label: str = field(kw_only=False)
    y_label: str = field(kw_only=False)
    curves: tuple[Curve, ...]
    logarithmic: bool = False
    points: bool = False


@dataclass(frozen=True, kw_only=True)
class Result:
    """One check: the grade, one sentence with the measured number, the numbers, and what was asked."""

    grade: Grade = field(kw_only=False)
    finding: str = field(kw_only=False)
    numbers: Mapping[str, float] = field(default_factory=dict)
    plot: Traces | None = field(default=None, repr=False)
    texts: tuple[str, str] | None = field(default=None, repr=False)
    """The model as it was and as it is, where they differ."""
    name: str = ""
    question: str = ""


Check = Callable[[Subject, str], Result]
"""Examines a subject in an engine."""


def asked(check: Check) -> str:
    """The question of a check: the first line of its docstring."""
    return (check.__doc__ or "").splitlines()[0]


def called(name: str) -> Callable[[Check], Check]:
    """Decorates a check, whose results carry its name and its question."""

    def decorate(check: Check) -> Check:
        @wraps(check)
        def named(subject: Subject, engine: str) -> Result:
            return replace(check(subject, engine), name=name, question=asked(check))

        return named

    return decorate


@dataclass(frozen=True)
class CheckUp:
    """All results of one subject."""

    subject: Subject
    results: tuple[Result, ...]
    engine: str

    @property
    def passed(self) -> bool:
        """Whether nothing failed; notes and skips do not count."""
        return all(result.grade is not Grade.FAIL for result in self.results)

    def counts(self) -> dict[str, int]:
        return {g.value: sum(r.grade is g for r in self.results) for g in Grade}

    def record(self) -> dict[str, object]:
        """Plain data for JSON."""
        return {
            "format": "spicebridge.checkup/1",
            "model": self.subject.name,
            "law": self.subject.kind,
            "window": self.subject.window,
            "engine": self.engine,
            "passed": self.passed,
            "counts": self.counts(),
            "checks": [
                {"name": r.name, "question": r.question, "grade": r.grade.value}
                | {"finding": r.finding, "numbers": dict(r.numbers)}
                for r in self.results
            ],
        }
