"""Folders of results, complete or not at all.

A case is written into a temporary sibling which then takes the place of the folder. A folder that
holds anything but earlier results of ours is refused before any run.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from spicebridge.errors import OutputError
from spicebridge.report.html import format_html, format_index
from spicebridge.report.json import FORMAT, format_json, record
from spicebridge.report.plots import draw
from spicebridge.report.summary import Report
from spicebridge.report.wording import printable
from spicebridge.waveforms import replacing

VERDICT, INDEX = "verdict.json", "index.json"
INDEX_FORMAT = "spicebridge.index/1"
CSV_NUMBERS = 200_000
"""Numbers up to which the waveforms are written as text too."""


def write_report(folder: str | Path, report: Report) -> tuple[str, ...]:
    """Write one report and return the names of its files; an earlier report in `folder` is replaced.

    verdict.json, report.html, report.md, report.txt, the plots as PNG, deck.cir and log.txt, and
    waveforms.npz (SPICE on its own time points, theory beside it); parts a verdict lacks are left out.
    Raises `OutputError`.
    """
    place = _resolved(folder)
    check_folder(place)
    with replacing_folder(place) as stage:
        _write_parts(stage, report)
        names = sorted([*os.listdir(stage), VERDICT])
        content = record(report) | {"files": names}
        (stage / VERDICT).write_text(format_json(content), encoding="ascii")
    return tuple(names)


def _write_parts(stage: Path, report: Report) -> None:
    # plots come here and not at the top, as matplotlib costs a second that other formats need not pay
    from spicebridge.report.markdown import format_markdown
    from spicebridge.report.plain_text import format_text

    plots = draw(report)
    for plot in plots:
        (stage / f"{plot.name}.svg").write_text(plot.file, encoding="utf-8", newline="\n")
    texts = {
        "report.html": format_html(report, plots),
        "report.md": format_markdown(report),
        "report.txt": format_text(report),
    }
    if report.verdict.run is not None:
        texts |= {"deck.cir": report.deck, "log.txt": printable(report.log)}
    for name, text in texts.items():
        (stage / name).write_text(text, encoding="utf-8", errors="replace", newline="\n")
    _write_waveforms(stage, report)


def _write_waveforms(stage: Path, report: Report) -> None:
    spice, theory = report.verdict.spice, report.verdict.theory
    main = spice or theory
    if main is None:
        return
    names = ("t", "state", "current", "voltage")
    arrays: dict[str, Any] = {name: getattr(main, name) for name in names}
    arrays |= {"labels": np.array(main.labels), "source": np.array(main.source)}
    if spice is not None and theory is not None:
        arrays |= {f"theory_{name}": getattr(theory, name) for name in names}
    with (stage / "waveforms.npz").open("wb") as handle:
        np.savez_compressed(handle, **arrays)
    if main.t.size * (1 + 3 * main.n_edges) <= CSV_NUMBERS:
        main.save(stage / "waveforms.csv")


def check_folder(folder: str | Path, content: str = VERDICT, form: str = FORMAT) -> None:
    """Refuse a folder for one result that cannot be written or holds anything that is not ours.

    What is ours is listed in its file `content`, of the format `form`.
    """
    place = _resolved(folder)
    with _located(place):
        if not _there(place):
            return
        if os.path.ismount(place):
            raise OutputError(f"{place}: is a mount point, which cannot be replaced as a whole; name a folder in it")
        here = Path.cwd().resolve()
        if place == here or place in here.parents:
            raise OutputError(f"{place}: is the working folder, which cannot be replaced; name a folder in it")
        stranger = _stranger(place, content, form)
        if stranger:
            raise _refusal(place, stranger)
        _probe(place.parent)


def check_place(folder: str | Path) -> None:
    """Refuse a folder into which nothing can be written; what is in it stays."""
    place = _resolved(folder)
    with _located(place):
        if _there(place):
            _probe(place)


def check_collection(folder: str | Path) -> None:
    """Refuse a folder for several reports that cannot be written or holds anything that is not ours."""
    place = _resolved(folder)
    with _located(place):
        if not _there(place):
            return
        indexed = _read(place / INDEX).get("format") == INDEX_FORMAT
        for entry in sorted(place.iterdir()):
            ours = indexed if entry.name in (INDEX, "index.html") else _is_report(entry)
            if not ours:
                raise _refusal(place, entry.name)
        _probe(place)


def write_index(folder: str | Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write index.json and index.html for several cases. Raises `OutputError`."""
    place = _resolved(folder)
    with _located(place):
        place.mkdir(parents=True, exist_ok=True)
    content = {"format": INDEX_FORMAT, "cases": rows}
    # the JSON goes first: it is what later marks the page beside it as ours
    for name, text in ((INDEX, format_json(content)), ("index.html", format_index(rows))):
        with replacing(place / name) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="replace", newline="\n")


@contextmanager
def replacing_folder(place: Path) -> Iterator[Path]:
    """Give an empty sibling to fill; it takes the place of the folder only if nothing went wrong."""
    mark = secrets.token_hex(4)
    stage, old = (place.with_name(f".{place.name}.{mark}.{what}.partial") for what in ("new", "old"))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        stage.mkdir()
        yield stage
        if place.exists():
            place.rename(old)
        try:
            stage.rename(place)
        except BaseException:
            if old.exists():
                old.rename(place)
            raise
    except OSError as error:
        raise OutputError(f"{place}: cannot write: {error.strerror or error}; nothing was left there") from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _resolved(folder: str | Path) -> Path:
    try:
        return Path(folder).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise OutputError(f"{folder}: no usable path: {error}; name another folder") from None


@contextmanager
def _located(place: Path) -> Iterator[None]:
    """Errors of the file system name the folder."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{place}: cannot be written: {reason}; name another folder") from None


def _there(place: Path) -> bool:
    """Whether the folder is there; where it is not, it can be made. Raises `OutputError`."""
    if place.exists():
        _require_folder(place)
        return True
    above = next((above for above in place.parents if above.exists()), None)
    if above is not None:
        _require_folder(above)
    _probe(above or place.parent)
    return False


def _require_folder(place: Path) -> None:
    if not place.is_dir():
        raise OutputError(f"{place}: is a file; name a folder for the results")


def _refusal(place: Path, entry: str) -> OutputError:
    return OutputError(
        f"{place}: holds {entry!r}, which is no earlier result of this kind; name an empty or a new folder"
    )


def _stranger(place: Path, record: str = VERDICT, form: str = FORMAT) -> str | None:
    """The first entry of a folder that is not part of the result in it."""
    content = _read(place / record)
    files = content.get("files") if content.get("format") == form else None
    ours = files if isinstance(files, list) else []
    for entry in sorted(place.iterdir()):
        if entry.name not in ours or entry.is_symlink() or not entry.is_file():
            return entry.name
    return None


def _is_report(place: Path) -> bool:
    return place.is_dir() and not place.is_symlink() and (place / VERDICT).exists() and _stranger(place) is None


def _read(path: Path) -> dict[str, object]:
    """A JSON object, or an empty one where there is none."""
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict):
            return content
    return {}


def _probe(place: Path) -> None:
    """Make and remove a folder; permissions and read-only disks show only in the act."""
    trial = place / f".{secrets.token_hex(4)}.partial"
    trial.mkdir()
    trial.rmdir()
