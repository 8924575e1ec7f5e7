"""The scorecard: every reference of others, what it allows, what both branches measure.

PYTHONPATH=tests python -m references.scorecard        writes docs/references.md (make references)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from references import published, qucs, xyce

PAGE = Path(__file__).parents[2] / "docs" / "references.md"


@dataclass(frozen=True)
class Reference:
    """`measure` maps a branch to (quantity -> error); all must lie within `allowed`, or, where `refuted`, one
    must not. Without `measure` it is skipped, and `note` says why."""

    name: str
    what: str
    source: str
    allowed: dict[str, float]
    measure: Callable[[str], dict[str, float]] | None = None
    branches: tuple[str, ...] = ("theory", "circuit")
    refuted: bool = False
    note: str = ""

    def holds(self, errors: dict[str, float]) -> bool:
        """Whether one branch's errors are as they have to be."""
        within = all(errors[key] <= limit for key, limit in self.allowed.items())
        return within != self.refuted


def _xyce(name: str, x0: float) -> Callable[[str], dict[str, float]]:
    return lambda branch: xyce.errors(xyce.circuit(*xyce.tables("csv"), x0), xyce.stored(name), branch)


def _pem2(branch: str) -> dict[str, float]:
    return xyce.errors(xyce.circuit(*xyce.tables("dat"), 0.0), xyce.stored("PEM2"), branch)


def _pem2_corrupted(branch: str) -> dict[str, float]:
    up, down = (xyce.corrupted(table) for table in xyce.tables("dat"))
    return xyce.errors(xyce.circuit(up, down, 0.0), xyce.stored("PEM2"), branch, until=1e-4)


def _qucs(branch: str) -> dict[str, float]:
    return {"I, V": max(qucs.error(bar, branch) for bar in qucs.cases().values())}


XYCE, BIOLEK = "Xyce_Regression d4685581, GPL-3.0", "Biolek, Di Ventra, Pershin, Radioengineering 22 (2013) 945"

REFERENCES = (
    Reference(
        "xyce.pem1", "piecewise empirical memristor from x = 0, 66 stored rows", XYCE, xyce.ALLOWED, _xyce("PEM1", 0.0)
    ),
    Reference("xyce.pem1wic", "the same from x = 0.11, 60 stored rows", XYCE, xyce.ALLOWED, _xyce("PEM1wIC", 0.11)),
    Reference(
        "xyce.pem2",
        "known-bad control: tables with blanks, stored result of a misread table",
        XYCE,
        xyce.ALLOWED,
        _pem2,
        refuted=True,
        note="the stored x does not follow the table as written",
    ),
    Reference(
        "xyce.pem2.misread",
        "the same with the first character of the second column lost, up to 0.1 ms",
        XYCE,
        {"x": 1e-4, "i": 1e-6},
        _pem2_corrupted,
        note="which explains the stored result",
    ),
    Reference(
        "qucs.crossbars",
        "33 crossbars, 1 x 1 and 5 x 4, frozen states; zero and infinite elements",
        "badcrossbar 1c42e095, MIT",
        {"I, V": qucs.ALLOWED},
        _qucs,
        branches=("projector", "nodal", "circuit"),
    ),
    Reference(
        "biolek.r1",
        "ideal memristor, Joglekar p = 1, 1 V, 1 Hz: q_max = 1.4924341712e-3 C",
        BIOLEK + ", Eq. 11",
        {"q_max": 1e-6},
        lambda branch: {"q_max": published.ideal_charge(branch)},
    ),
    Reference(
        "biolek.r2",
        "threshold device, 5 V, 50 MHz: lower memristance 3181.871 ohm",
        BIOLEK + ", Eq. 18",
        {"R": 1e-6},
        lambda branch: {"R": published.threshold_resistance(branch, 0.0)},
    ),
    Reference(
        "biolek.r2.smooth",
        "the same smoothed over b = 10 uV",
        BIOLEK + ", Eq. 18",
        {"R": 3e-5},
        lambda branch: {"R": published.threshold_resistance(branch, 1e-5)},
    ),
    Reference(
        "biolek.r2.printed",
        "the number printed for that formula, 3.1847 kohm",
        BIOLEK,
        {"R": 3e-5},
        lambda branch: {"R": published.printed_resistance()},
        branches=("formula",),
        refuted=True,
        note="the formula gives 3181.871 ohm; the formula is what is held",
    ),
    Reference(
        "ngspice.memristor",
        "examples/memristor/memristor.sp, its exact R(t), 3 V sine",
        "ngspice; Pershin, Di Ventra, arXiv:1204.2600",
        {"R": 5e-6},
        lambda branch: {"R": published.ngspice_example(branch)},
    ),
    Reference(
        "xyce.team",
        "TEAM, 6146 stored rows",
        XYCE,
        {},
        note="its state leaps at hard limits that leak (R = 48.80 below Ron = 50): pointwise it is no reference, and "
        "it is not kept here",
    ),
    Reference(
        "other simulators",
        "Xyce, LTspice, HSPICE, PSpice, Spectre run on the same decks",
        "netlists/",
        {},
        note="not installed where this page is made; `netlists/conformance` holds what to run",
    ),
    Reference(
        "milano.pulse",
        "measured 2 V pulse of a silver nanowire network",
        "Milano et al., Nature Materials 2021, doi:10.1038/s41563-021-01099-9",
        {},
        note="validation, kept apart from verification; its licence is not stated, so it is no part of this project: "
        "`spicebridge fit FILE` on your copy (docs/devices.md)",
    ),
)


def rows() -> list[tuple[str, str, str, str, str, str]]:
    """(name, what, allowed, measured, outcome, source or reason) of every reference, by running it."""
    out = []
    for ref in REFERENCES:
        allowed = ", ".join(f"{key} {limit:.0e}" for key, limit in ref.allowed.items())
        if ref.measure is None:
            out.append((ref.name, ref.what, allowed, "", "skipped", f"{ref.source}; {ref.note}"))
            continue
        words, good = [], True
        for branch in ref.branches:
            errors = ref.measure(branch)
            good = good and ref.holds(errors)
            words.append(f"{branch}: " + ", ".join(f"{key} {errors[key]:.1e}" for key in ref.allowed))
        outcome = ("refuted" if ref.refuted else "passes") if good else "FAILS"
        out.append(
            (ref.name, ref.what, allowed, "; ".join(words), outcome, "; ".join(filter(None, (ref.source, ref.note))))
        )
    return out


def format_page(table: list[tuple[str, str, str, str, str, str]]) -> str:
    """The page as Markdown."""
    counts = {word: sum(row[4] == word for row in table) for word in ("passes", "refuted", "skipped", "FAILS")}
    summary = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    lines = [
        "# External references",
        "",
        "Results and formulas of others, against both branches: the network ODE (theory) and ngspice (circuit).",
        "Written by `make references`; `tests/references/` holds the data with their origin and licence, and fails",
        "when a row does not hold. Errors in SI units, R and q relative; *refuted* is what a known-bad control must be.",
        "",
        f"**{summary}.**",
        "",
        "| reference | what | allowed | measured | outcome | source |",
        "|---|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in table]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(format_page(rows()), encoding="utf-8")
