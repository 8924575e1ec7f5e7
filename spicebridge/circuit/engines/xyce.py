"""Xyce as a process, serial or under MPI. Used where its program is on PATH.

`Xyce -r out.raw deck.cir` writes every node and branch of the circuit, with bare names: node ``w0`` for
v(w0), ``v0#branch`` for i(v0). An underscore stays, but a name that ends in ``_branch`` ends in ``#branch``
there (source: Xyce, ``N_IO_OutputterOverrideRaw.C``). Both are undone here. What Xyce 7.10 printed on our decks
is in ``tests/fake_bin/xyce_*``, with which the door is tested.

Its messages begin in the first column and go on in indented lines. Every good run ends with a summary and a table
of times, whose rows carry the words Failed and Failure with their counts: a retried step is no complaint. Of the
warnings a few leave the circuit as it is; every other one is held against the run.
"""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from spicebridge.circuit.engines.door import DECK, RAW, Invocation, ProgramDoor
from spicebridge.circuit.engines.engine import NOT_KNOWN, TIME, Job, LogFinding, Status
from spicebridge.circuit.engines.installation import Executable, Installation
from spicebridge.errors import SimulatorDied, SimulatorMissing, SpiceBridgeError
from spicebridge.tables.raw_file import RawPlot

EXECUTABLE_VARIABLE = "SPICEBRIDGE_XYCE"
LAUNCHER = "mpirun"

_COMPLAINT = re.compile(r"\b(?:warning|error|abort(?:ed|ing)?|fail(?:ed|ure)?|too small)\b", re.IGNORECASE)
_OPENING = re.compile(r"(?:netlist|user|simulation|dev(?:ice)?|internal)? ?(?:warning|error|fatal)\b", re.IGNORECASE)
# Lines of the summary that every good run prints, and rows of its table: name, count, times in two columns.
_SUMMARY = re.compile(
    r"\s*(?:Number\b.*(?:Failed|Failures).*|.*\b(?:no|0) (?:errors|warnings)\b.*"
    r"|\S.*?\s+\d+\s+[<>]?\d+(?:\.\d*)?(?:[:\d.]*)(?:\s*\(\s*<?[\d.]+%\))?"
    r"(?:\s+[<>]?\d[\d.:]*(?:\s*\(\s*<?[\d.]+%\))?)?)\s*",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    # A node that only feeds an expression; its row is there, and the matrix is solvable.
    r"warning: Voltage Node \(.*\) connected to only 1 device Terminal"
    # The slopes that Newton's iteration uses are cut, not the function: it converges to the same point or fails.
    r"|warning: In device .*: Expression derivative for variable number \d+ \|.*\| exceeds .*, value reduced"
    # The raw file that -r asks for needs none.
    r"|warning: No print specified",
    re.IGNORECASE,
)
_STUCK = re.compile(
    r"time ?step too small|transient failure|operating point failed|singular|did not converge|failed to converge",
    re.IGNORECASE,
)
_STEEP = re.compile(r"Expression derivative for variable number", re.IGNORECASE)


@dataclass(frozen=True)
class XyceProcess(ProgramDoor):
    """Engine that runs `Xyce -r out.raw deck.cir`; see `ProgramDoor`.

    processes   1 runs it as it is; more run `mpirun -n processes` (an Xyce built for MPI is needed)

    Raises SpiceBridgeError for a number of processes that is none.
    """

    name: str = "xyce"
    processes: int = 1

    dialect = "xyce"
    program = Executable(
        title="Xyce",
        names=("Xyce", "xyce"),
        variable=EXECUTABLE_VARIABLE,
        ask="-v",
        pattern=re.compile(
            r"Xyce\s+(?:Release\s+|DEVELOPMENT[-\s]*)?(?P<version>(?P<major>\d+)\.(?P<minor>\d+)[\w.-]*)"
        ),
        # Earlier releases have another parser of expressions.
        oldest=(7, 4),
        install=f"build or install Xyce (xyce.sandia.gov), point ${EXECUTABLE_VARIABLE} at it, or use the engine "
        "'ngspice'",
    )

    def __post_init__(self) -> None:
        if not isinstance(self.processes, int) or self.processes < 1:
            raise SpiceBridgeError(f"xyce: processes is {self.processes!r}, it must be a whole number from 1 up")

    def installation(self) -> Installation:
        """The program, and how it is started; see `Door`."""
        found = super().installation()
        return replace(found, how=(f"{self.processes} processes",)) if self.processes > 1 else found

    def available(self) -> bool:
        """Whether a recent enough Xyce answers, and its launcher is there if it needs one."""
        try:
            self.version()
            self._launcher()
        except (SimulatorMissing, SimulatorDied):
            return False
        return True

    def invocation(self, job: Job) -> Invocation:
        """See `Door`."""
        argv = [*self._launcher(), str(self.path()), "-r", RAW, DECK]
        judge = functools.partial(judge_xyce_log, strict=self.processes == 1)
        return Invocation(argv=argv, judge_log=judge, plots=renamed(job.vectors))

    def _launcher(self) -> list[str]:
        if self.processes == 1:
            return []
        found = shutil.which(LAUNCHER)
        if found is None:
            raise SimulatorMissing(f"{LAUNCHER} is not on PATH: install an MPI, or run Xyce with one process")
        return [found, "-n", str(self.processes)]


def renamed(vectors: tuple[str, ...]) -> Callable[[list[RawPlot]], list[RawPlot]]:
    """Turn Xyce's bare names into v(node) and i(source); `vectors` decide where "#branch" was "_branch"."""
    meant = {f"{name[:-8]}#branch)": name for name in vectors if name.startswith("v(") and name.endswith("_branch)")}

    def one(name: str, unit: str) -> str:
        if name == TIME or "(" in name:
            return name
        bare = f"i({name.removesuffix('#branch')})" if unit == "current" else f"v({name})"
        return meant.get(bare, bare)

    def change(plots: list[RawPlot]) -> list[RawPlot]:
        return [replace(p, names=tuple(map(one, p.names, p.units))) for p in plots]

    return change


def judge_xyce_log(stdout: str, stderr: str, *, strict: bool) -> LogFinding | None:
    """What Xyce says against the run. `strict` holds every line of the error channel against it.

    Not under MPI, where launchers talk there.
    """
    said = list(dict.fromkeys((*_messages(stderr), *_messages(stdout))))
    found = [m for m in said if _COMPLAINT.search(m) and not _HARMLESS.search(m)]
    if found:
        if not _STUCK.search("\n".join(found)):
            return LogFinding.quoting(Status.REJECTED, "Xyce", found, "Remedy: correct the deck.")
        remedy = "bound the state, or check .ic and the screen for active edges"
        if any(_STEEP.search(m) for m in said):
            remedy = "a slope in the deck exceeds what Xyce works with: soften the clamp or the expression it names"
        return LogFinding.quoting(Status.NUMERICAL_FAILURE, "Xyce", found, f"Remedy: {remedy}.")
    rest = [m for m in dict.fromkeys(_messages(stderr)) if not _HARMLESS.search(m)] if strict else []
    return LogFinding.quoting(Status.LOG_ERROR, "Xyce", rest, NOT_KNOWN) if rest else None


def _messages(text: str) -> Iterator[str]:
    """Lines that are no part of the summary, each warning or error with the indented lines behind it."""
    held: list[str] = []
    for line in text.splitlines():
        if held and line[:1] == " " and line.strip() and not _SUMMARY.fullmatch(line):
            held.append(line.strip())
            continue
        yield from _joined(held)
        held = []
        if not line.strip() or _SUMMARY.fullmatch(line):
            continue
        if _OPENING.match(line):
            held = [line.strip()]
        else:
            yield line.strip()
    yield from _joined(held)


def _joined(parts: Iterable[str]) -> Iterator[str]:
    text = " ".join(parts)
    if text:
        yield text
