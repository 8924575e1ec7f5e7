"""Every measurement in one go, into bench/RESULTS.md.

    python -m bench [NAME…]        all modules, or those named; only a whole run writes the file

Each module is a process of its own, one after the other, so that none times another's work. What it prints is
what the file holds: nothing is rounded or chosen on the way.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

MODULES = {
    "accuracy": "Accuracy of the circuit at fixed steps",
    "exact": "Is the true error inside the error bar?",
    "honesty": "Correct circuits and mutants",
    "theory": "Theory at scale",
    "circuit": "The circuit's own overhead",
    "ensembles": "Ensembles",
    "campaign": "Campaigns",
    "peers": "Peers",
    "reading": "Reading netlists",
}
"""Module -> what it measures, in the order of the file."""
PACKAGES = ("spicebridge-memristor", "numpy", "scipy", "networkx", "qdldl", "neospice", "mnns", "kvxopt", "dask")
RESULTS = Path(__file__).with_name("RESULTS.md")


def machine() -> list[tuple[str, str]]:
    """What the figures depend on: processor, cores, memory, versions."""
    from spicebridge.circuit.engines import get_engine

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    rows = [
        ("processor", f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB"),
        ("system", f"{platform.system()} {platform.release()}, Python {platform.python_version()}"),
        ("simulator", f"ngspice {get_engine('ngspice').version()}"),
    ]
    for name in PACKAGES:
        try:
            rows.append((name, version(name)))
        except PackageNotFoundError:
            rows.append((name, "not installed"))
    return rows


def measured(name: str) -> tuple[str, float]:
    """Output of one module, shown while it runs, and its wall time in s. Raises `SystemExit` if it fails."""
    begin = time.monotonic()
    command = [sys.executable, "-m", f"bench.{name}"]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode != 0:
        raise SystemExit(f"bench.{name} failed with status {process.returncode}; {RESULTS.name} is left as it was")
    return "".join(lines), time.monotonic() - begin


def written(parts: Sequence[tuple[str, str, float]]) -> str:
    """The Markdown text from (module, output, wall time)."""
    head = [
        "# Measured",
        "",
        "Written by `make bench`, which runs `python -m bench`. Times are wall-clock medians of interleaved runs;",
        "the figures to compare are the ratios.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in machine()),
        f"| whole run | {sum(seconds for *_, seconds in parts) / 60:.0f} min |",
        "",
    ]
    pictures = sorted(RESULTS.parent.glob("*.png"))
    for name, text, seconds in parts:
        head += [f"## {MODULES[name]}", "", f"`python -m bench.{name}`, {seconds:.0f} s:", "", "```"]
        head += [text.rstrip("\n"), "```", ""]
        head += [f"![{MODULES[name]}]({p.name})\n" for p in pictures if p.stem == name]
    return "\n".join(head)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODULES))
    names = parser.parse_args(arguments).names or list(MODULES)
    for name in names:
        if name not in MODULES:
            parser.error(f"there is no measurement {name!r}; choose from {', '.join(MODULES)}")
    parts = []
    for name in names:
        print(f"\n== {MODULES[name]} (bench.{name})", flush=True)
        parts.append((name, *measured(name)))
    if len(names) == len(MODULES):
        fresh = RESULTS.with_suffix(".md.part")
        fresh.write_text(written(parts), encoding="utf-8")
        fresh.replace(RESULTS)
        print(f"\n{RESULTS}")


if __name__ == "__main__":
    main()
