"""Another package on PyPI is named spicebridge, with the same import name and the same command."""

from __future__ import annotations

from importlib import metadata

OURS, THEIRS = "spicebridge-memristor", "spicebridge"


def clash() -> str:
    """What to do where the other package is installed beside this one, or "" where it is not."""
    try:
        other = metadata.distribution(THEIRS)
    except metadata.PackageNotFoundError:
        return ""
    return (
        f"the package {THEIRS} {other.version} is installed in this environment as well, and it writes files of "
        f"the same names: pip uninstall {THEIRS}, then pip install --force-reinstall {OURS}; the command {OURS} is "
        "always this program"
    )
