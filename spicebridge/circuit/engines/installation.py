"""Which simulator is on this machine: where it is, which one it is, whether it answers."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from spicebridge.circuit.engines import measured_once
from spicebridge.circuit.engines.process import run_in_group
from spicebridge.errors import SimulatorDied, SimulatorMissing, SimulatorTooOld

PROBE_TIMEOUT = 60.0
"""Wall-clock limit in s of asking for a version; a first import on a busy machine is slow."""

Stamp = tuple[str, int, int]
"""Path, size and modification time (ns) of a file; -1 where it is no file."""


@dataclass(frozen=True, kw_only=True)
class Installation:
    """One simulator on this machine.

    title        how people call it
    files        what runs: a program, a library, a package; `stamps` of them notice an upgrade
    ask          command that prints the version
    pattern      finds it there: groups "version", "major" and, if it counts, "minor"
    oldest       (major, minor) that is needed
    install      sentence with what to do where it is missing
    environment  variables for `ask` beside the private ones
    steady       the files decide alone which version runs (a script may start anything)
    how          further words that tell one way of starting it from another
    known        what `pattern` would find, where the program itself does not say it
    """

    title: str
    files: tuple[str, ...]
    ask: tuple[str, ...]
    pattern: re.Pattern[str]
    oldest: tuple[int, int]
    install: str
    environment: tuple[tuple[str, str], ...] = ()
    steady: bool = True
    how: tuple[str, ...] = ()
    known: str = ""

    def stamps(self) -> tuple[Stamp, ...]:
        """Path, size and time of every file."""
        return tuple(map(stamp, self.files))

    def version(self) -> str:
        """What it says; asked once while its files stay as they are. Raises as `Door.version` does."""
        return _version(self, self.stamps())


@dataclass(frozen=True, kw_only=True)
class Executable:
    """A simulator that is one program.

    title     how people call it
    names     of the program on PATH
    variable  of the environment, with another one
    ask       argument for its version; `pattern`, `oldest` and `install` as in `Installation`
    """

    title: str
    names: tuple[str, ...]
    variable: str
    ask: str
    pattern: re.Pattern[str]
    oldest: tuple[int, int]
    install: str

    def find(self, wanted: str | os.PathLike[str] | None) -> Path:
        """The program `wanted`, else the one that the variable names, else the first on PATH.

        Raises SimulatorMissing.
        """
        origin = "executable"
        if wanted is None and os.environ.get(self.variable):
            wanted, origin = os.environ[self.variable], f"${self.variable}"
        for candidate in [wanted] if wanted is not None else self.names:
            found = shutil.which(candidate)
            if found is not None:
                return Path(found).resolve()
        what = f"{self.title} is not on PATH" if wanted is None else f"{origin} {str(wanted)!r} is no program"
        raise SimulatorMissing(f"{what}: {self.install}")

    def installed(self, path: Path) -> Installation:
        """The program at `path`; a script may start anything."""
        with path.open("rb") as file:
            script = file.read(2) == b"#!"
        return Installation(
            title=self.title,
            files=(str(path),),
            ask=(str(path), self.ask),
            pattern=self.pattern,
            oldest=self.oldest,
            install=self.install,
            steady=not script,
        )


def stamp(file: str) -> Stamp:
    """Path, size and modification time of `file`."""
    try:
        stat = os.stat(file)
    except OSError:
        return file, -1, -1
    return file, stat.st_size, stat.st_mtime_ns


def package_files(package: str) -> tuple[str, ...] | None:
    """Origin and version of an installed Python package; None if there is none. Imports nothing."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None:
        return None
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        version = "without metadata"
    return spec.origin, f"{package} {version}"


@functools.lru_cache(maxsize=64)
def _version(found: Installation, stamps: tuple[Stamp, ...]) -> str:
    """Ask; `stamps` are in the key so that an upgrade is noticed."""
    key = f"version {found.title} {stamps} {found.ask}"
    kept = measured_once.recall(key) if found.steady else None
    if kept is not None and "version" in kept:
        return kept["version"]
    said = _ask(found)
    match = found.pattern.search(said) or found.pattern.search(found.known)
    program = found.files[0]
    if match is None:
        raise SimulatorMissing(
            f"{program} does not say which {found.title} it is ({said.strip()[:80]!r}): {found.install}", log=said
        )
    words = match.groupdict()
    version = words["version"].rstrip(".-")
    if (int(words["major"]), int(words.get("minor") or 0)) < found.oldest:
        oldest = ".".join(map(str, found.oldest if found.oldest[1] else found.oldest[:1]))
        raise SimulatorTooOld(
            f"{program} is {found.title} {version}, {oldest} or later is needed: {found.install}", log=said
        )
    if found.steady:
        measured_once.keep(key, {"version": version})
    return version


def _ask(found: Installation) -> str:
    """What the simulator prints when it is asked for its version, on both channels."""
    command = " ".join(found.ask[-2:])
    with tempfile.TemporaryDirectory(prefix="spicebridge-", ignore_cleanup_errors=True) as place:
        try:
            ended = run_in_group(
                found.ask, directory=Path(place), environment=dict(found.environment), timeout=PROBE_TIMEOUT
            )
        except OSError as error:
            raise SimulatorMissing(f"{found.ask[0]} cannot be started: {error}: {found.install}") from error
    stdout, stderr = ended.stdout, ended.stderr
    if ended.timed_out or ended.exit_code < 0:
        raise SimulatorDied(f"{command} hangs or crashes: {found.install}", log=stdout + stderr)
    if ended.exit_code != 0 and not found.pattern.search(stdout):
        said = stderr.strip().splitlines()
        why = (
            f"cannot be loaded: {said[-1]}" if said else f"ends with {ended.exit_code} and says nothing to '{command}'"
        )
        raise SimulatorMissing(f"{found.title} {why}: {found.install}", log=stdout + stderr)
    return stdout + stderr
