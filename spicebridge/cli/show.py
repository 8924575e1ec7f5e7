"""What commands print: tables on standard output, progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from spicebridge.cli.screen import console, width
from spicebridge.report.wording import WORDS, format_number, one_line, printable
from spicebridge.shown import Lines
from spicebridge.verify.verdict import Outcome

if TYPE_CHECKING:
    from rich.text import Text

    from spicebridge.report.summary import Report

__all__ = ["print_report", "print_table", "printable", "progress"]

Record = Mapping[str, Any]

WIDE = 96
"""Columns from which a table has all its columns."""

LONGEST_NAME = 24
"""Columns up to which a case's name is kept on one line."""

_STYLES = {"agrees": "green", "disagrees": "red", "unresolved": "yellow"}
_COUNTED = {Outcome.AGREES: "agree", Outcome.DISAGREES: "disagree", Outcome.UNRESOLVED: "unresolved"}
_WORDS = {outcome.value: word for outcome, word in WORDS.items()}


@contextmanager
def progress(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A function that shows what is being done: a moving line on a terminal, plain lines elsewhere."""
    if quiet:
        yield lambda message: None
    elif sys.stderr.isatty():
        from rich.text import Text

        screen = console(sys.stderr)
        with screen.status(Text("starting")) as line:
            yield lambda message: line.update(Text(one_line(message), no_wrap=True, overflow="ellipsis"))
    else:
        say = Lines(sys.stderr, "spicebridge: ")
        yield lambda message: say(one_line(message))


def print_report(report: Report) -> None:
    """One report as text, with its verdict in colour on a terminal."""
    from rich.text import Text

    from spicebridge.report.plain_text import format_text

    columns = width()
    text = Text(format_text(report, min(columns, 100)))
    outcome = report.verdict.outcome.value
    text.highlight_words([outcome.upper()], f"bold {_STYLES[outcome]}")
    console(sys.stdout, columns).print(text, end="", soft_wrap=True)


def print_table(rows: Sequence[Record]) -> None:
    """Several cases, one a row; numbers are dropped from the right where the terminal is narrow."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    columns = width()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=columns >= WIDE)
    longest = max((len(one_line(row["case"])) for row in rows), default=0)
    table.add_column("case", overflow="fold", min_width=min(longest, LONGEST_NAME))
    table.add_column("verdict", no_wrap=columns >= WIDE, overflow="fold")
    numbers = ["E", "U", "tolerance", "order"] if columns >= WIDE else ["E", "U"] if columns >= 60 else []
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    if columns >= WIDE:
        table.add_column("title", overflow="ellipsis", no_wrap=True, ratio=1)
    for row in rows:
        cells = [Text(one_line(row["case"])), _verdict(row)]
        values = _numbers(row)
        cells += [Text(values[name]) for name in numbers]
        if columns >= WIDE:
            message = row["title"] if row["outcome"] else row["error"]["message"]
            cells.append(Text(one_line(message)))
        table.add_row(*cells)
    screen = console(sys.stdout, columns)
    screen.print(table)
    screen.print(Text(_summary(rows)))


def _verdict(row: Record) -> Text:
    from rich.text import Text

    outcome = row["outcome"]
    if outcome is None:
        return Text(f"! {row['error']['kind']}", style="red")
    good = row["as_expected"]
    text = f"{_WORDS[outcome].mark} {outcome}"
    control = row["expected"] != Outcome.AGREES.value
    if control:
        text += " (as expected)" if good else f" (expected: {row['expected']})"
    return Text(text, style="green" if good else "red" if control else _STYLES[outcome])


def _numbers(row: Record) -> dict[str, str]:
    if row["outcome"] is None:
        return dict.fromkeys(("E", "U", "tolerance", "order"), "")
    order = row["observed_order"]
    return {
        "E": format_number(row["max_error"]),
        "U": format_number(row["uncertainty"]),
        "tolerance": format_number(row["tolerance"]),
        "order": "" if order is None else f"{order:.2f}",
    }


def _summary(rows: Sequence[Record]) -> str:
    parts = [f"{len(rows)} {'case' if len(rows) == 1 else 'cases'}"]
    for outcome in Outcome:
        of_it = [row for row in rows if row["outcome"] == outcome.value]
        if of_it:
            controls = sum(row["as_expected"] and outcome is not Outcome.AGREES for row in of_it)
            note = f" ({controls} as expected)" if controls else ""
            parts.append(f"{len(of_it)} {_COUNTED[outcome]}{note}")
    failed = sum(row["outcome"] is None for row in rows)
    if failed:
        parts.append(f"{failed} could not be run")
    return ", ".join(parts)
