"""Words and number formats that all reports share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from spicebridge.quantities import format_quantity
from spicebridge.report.printable import one_line as one_line
from spicebridge.report.printable import printable as printable
from spicebridge.verify.verdict import Outcome, Verdict

UNKNOWN = "unknown"

CREDIBLE_ORDER = 0.2
"""An observed order this close to 2 is called second order."""


@dataclass(frozen=True, kw_only=True)
class Word:
    """How an outcome is shown: never by colour alone."""

    outcome: Outcome
    mark: str
    colour: str
    tint: str
    meaning: str


WORDS = {
    Outcome.AGREES: Word(
        outcome=Outcome.AGREES,
        mark="✓",
        colour="#00614a",
        tint="#e3f3ee",
        meaning="The circuit does what the equations say, within the numerical uncertainty.",
    ),
    Outcome.DISAGREES: Word(
        outcome=Outcome.DISAGREES,
        mark="≠",
        colour="#a03a00",
        tint="#fdeee2",
        meaning="Circuit and equations differ by more than numerical error can explain.",
    ),
    Outcome.UNRESOLVED: Word(
        outcome=Outcome.UNRESOLVED,
        mark="?",
        colour="#4a4a68",
        tint="#ededf5",
        meaning="The numerical error is too large, or unknown, to say whether they agree.",
    ),
}


def three_words(verdict: Verdict) -> list[tuple[str, str, bool]]:
    """(word, sentence, whether this page is it) for the three that must not be mixed up."""
    order = verdict.observed_order
    if order is not None and abs(order - 2.0) <= CREDIBLE_ORDER:
        seen = f"the observed order {order:.2f} fits the 2 that is expected, which is a hint and no proof"
    elif order is not None:
        seen = f"the observed order {order:.2f} is not the 2 of smooth problems"
    else:
        seen = "no order could be observed here"
    if math.isfinite(verdict.uncertainty):
        solution = (
            f"This page. Three step ceilings of the circuit and two tolerances of the theory bound the "
            f"numerical error of this comparison by U = {format_number(verdict.uncertainty)}."
        )
    else:
        solution = "This page, but without success: no bound on the numerical error could be found."
    return [
        (
            "Code verification",
            f"Not this page. That both branches converge to exact solutions their tests show; {seen}.",
            False,
        ),
        ("Solution verification", solution, True),
        (
            "Validation",
            "Not this page. No measured data enter; whether real devices obey this law only a bench can tell.",
            False,
        ),
    ]


def format_number(value: float | None) -> str:
    """Three significant digits, with an exponent below 0.01, or a word when there is no number."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if 0.0 < abs(value) < 0.01:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{float(mantissa):g}e{exponent}"
    return f"{value:.3g}"


def format_ratio(value: float) -> str:
    """A relative residual."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{value:.1e}" if value else "0"


def format_seconds(value: float) -> str:
    """With an SI prefix, as in 12.5 ms."""
    return UNKNOWN if not math.isfinite(value) else format_quantity(value, "s", digits=4).replace(" us", " µs")


def format_order(verdict: Verdict) -> str:
    """Two decimals; why there is none otherwise."""
    if verdict.observed_order is not None and math.isfinite(verdict.observed_order):
        return f"{verdict.observed_order:.2f}"
    return UNKNOWN if verdict.ladder is None else "not observable (solver floor)"
