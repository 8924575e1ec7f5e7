"""Checks of single output files, made before any work is done for them."""

from __future__ import annotations

import importlib.util
import secrets
from pathlib import Path

from spicebridge.errors import OutputError

WAVEFORM_SUFFIXES = (".csv", ".npz", ".nc")


def check_waveform_suffix(path: str | Path) -> None:
    """Refuse a suffix that waveforms cannot be saved under, or that needs a missing package."""
    suffix = Path(path).suffix.lower()
    if suffix not in WAVEFORM_SUFFIXES:
        raise OutputError(f"{path}: suffix {suffix!r} must be one of {', '.join(WAVEFORM_SUFFIXES)}")
    if suffix == ".nc" and importlib.util.find_spec("xarray") is None:
        raise OutputError(f"{path}: netCDF needs xarray; save .npz, or pip install xarray")


def check_file(path: str | Path) -> None:
    """Refuse a file that is a folder, or whose folder is missing or cannot be written."""
    target = Path(path)
    try:
        if target.is_dir():
            raise OutputError(f"{target}: is a folder; name a file in it")
        if not target.parent.is_dir():
            raise OutputError(f"{target}: the folder {target.parent} does not exist; make it first")
        trial = target.parent / f".{secrets.token_hex(4)}.partial"
        trial.touch()
        trial.unlink()
    except OutputError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{target}: cannot be written: {reason}; name another file") from None
