"""Every measurement in one go, into bench/RESULTS.md.

    python -m bench [NAME…]        all modules, or those named; each replaces its section of the file

Each module is a process of its own, one after the other, so that none times another's work. What it prints is
what the file holds: nothing is rounded or chosen on the way.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

MODULES = {
    "theory": "Theory at scale",
    "speed": "Where the theory is fast and where it is not",
    "circuit": "The circuit's own overhead",
    "peers": "Peers",
    "ensembles": "Ensembles",
    "campaign": "Campaigns",
    "reading": "Reading netlists",
    "round_trips": "Netlists written and read back",
    "accuracy": "Accuracy of the circuit at fixed steps",
    "exact": "Is the true error inside the error bar?",
    "reactive": "Resistors, capacitors, inductors and current sources",
    "honesty": "Correct circuits and mutants",
    "effort": "Time points of a verdict",
    "laws": "Laws: speed, and the classes before them",
    "own_laws": "Laws that somebody brings",
    "candidate": "Somebody's own theory on trial",
    "analysis": "Networks analysed, differentiated and designed",
    "optimiser": "The optimiser of the papers",
    "lab_verdicts": "Measurements judged",
    "lab_bands": "Bands of kits against fresh builds",
    "patches": "Verdicts where no simulator goes",
}
"""Module -> what it measures, in the order of the file."""
PACKAGES = (
    "spicebridge-memristor",
    "numpy",
    "scipy",
    "networkx",
    "qdldl",
    "neospice",
    "mnns",
    "kvxopt",
    "dask",
    "dwave-samplers",
)
RESULTS = Path(__file__).with_name("RESULTS.md")


def machine() -> list[tuple[str, str]]:
    """What the figures depend on: processor, cores, memory, versions."""
    from spicebridge.circuit.engines import get_engine

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
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
    command = [sys.executable, "-u", "-m", f"bench.{name}"]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode != 0:
        raise SystemExit(
            f"bench.{name} failed with status {process.returncode}; its section of {RESULTS.name} is left as it was"
        )
    return "".join(lines), time.monotonic() - begin


def section(name: str, text: str, seconds: float) -> str:
    """The Markdown section of one module."""
    day = datetime.date.today().isoformat()
    lines = [f"## {MODULES[name]}", "", f"`python -m bench.{name}`, {day}, {seconds:.0f} s:", ""]
    lines += ["```", text.rstrip("\n"), "```", ""]
    if RESULTS.with_name(f"{name}.png").exists():
        lines += [f"![{MODULES[name]}]({name}.png)", ""]
    return "\n".join(lines)


def sections(text: str) -> dict[str, str]:
    """Module -> its section in the text of a results file."""
    titles = {title: name for name, title in MODULES.items()}
    parts = ["## " + part for part in text.split("\n## ")[1:]]
    return {
        titles[title]: part.rstrip("\n") + "\n" for part in parts if (title := part[3:].split("\n", 1)[0]) in titles
    }


def keep(name: str, found: str) -> None:
    """Replace one section of the file, which is there whole or as it was."""
    known = sections(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    known[name] = found
    head = [
        "# Measured",
        "",
        "Written by `make bench`. Times are wall-clock medians of interleaved runs; the figures to compare are ratios.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {key} | {value} |" for key, value in machine()),
        "",
    ]
    fresh = RESULTS.with_suffix(".md.part")
    fresh.write_text("\n".join(head + [known[n] for n in MODULES if n in known]), encoding="utf-8")
    fresh.replace(RESULTS)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODULES))
    names = parser.parse_args(arguments).names or list(MODULES)
    for name in names:
        if name not in MODULES:
            parser.error(f"there is no measurement {name!r}; choose from {', '.join(MODULES)}")
    for name in names:
        print(f"\n== {MODULES[name]} (bench.{name})", flush=True)
        keep(name, section(name, *measured(name)))
    print(f"\n{RESULTS}")


if __name__ == "__main__":
    main()
