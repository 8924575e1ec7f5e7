"""Cases that come with the package, and the first files of somebody's own.

The files of ``compare/`` are experiments of one sentence each; the wheel carries them, so that a first verdict needs no
clone.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from spicebridge.case import Case, load_case
from spicebridge.case.case import SUFFIX
from spicebridge.errors import CaseError, OutputError, nearest

CAMPAIGN = ".campaign.toml"


def folder() -> Path:
    """Where the cases are: inside the wheel, beside the package in a checkout."""
    packaged = Path(str(resources.files("spicebridge") / "_cases"))
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "compare"


def _paths() -> dict[str, Path]:
    found = {}
    for path in sorted(folder().iterdir()):
        for suffix in (SUFFIX, CAMPAIGN):
            if path.name.endswith(suffix):
                found[path.name.removesuffix(suffix)] = path
    return found


def examples() -> dict[str, Case]:
    """Name -> case, in order of their names."""
    return {name: load_case(path) for name, path in _paths().items() if path.name.endswith(SUFFIX)}


def campaigns() -> tuple[str, ...]:
    """Names of the sweeps."""
    return tuple(name for name, path in _paths().items() if path.name.endswith(CAMPAIGN))


def copy_example(name: str, place: Path) -> Path:
    """Copy a case, with what it needs beside it, into a folder and return the copy.

    What it needs may be there already, as it is in the package. Raises `CaseError` for a name that no case has,
    `OutputError` where a file is there already or cannot be written.
    """
    known = _paths()
    if name not in known:
        raise CaseError(f"no example {name!r}{nearest(name, known)}; spicebridge examples lists them")
    source = known[name]
    text = source.read_text(encoding="utf-8")
    beside = [path for path in folder().iterdir() if path != source and f'"{path.name}"' in text]
    for path in beside:
        if not _same(place / path.name, path):
            write_new(place / path.name, path.read_text(encoding="utf-8"))
    write_new(place / source.name, text)
    return place / source.name


def _same(path: Path, source: Path) -> bool:
    try:
        return path.read_bytes() == source.read_bytes()
    except OSError:
        return False


def write_new(path: Path, text: str) -> None:
    """Write a file that must not be there yet. Raises `OutputError`."""
    if path.parent.is_file():
        raise OutputError(f"{path.parent}: is a file; name a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise OutputError(f"{path} is there already and stays as it is; move it, or choose another folder") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None
