"""Runs one deck with neospice: `DECK RAW`, or `--version`.

Started as a script by ``engines/neospice.py``: its warnings are written by C++ on file descriptor 2 and
nowhere else, and a crash is a crash of this process.
"""

from __future__ import annotations

import sys

import neospice
import numpy as np
from raw_writer import append_plot  # type: ignore[import-not-found]


def main() -> int:
    if sys.argv[1] == "--version":
        print(f"neospice {neospice.__version__}")
        return 0
    deck, raw = sys.argv[1:]
    simulator = neospice.Simulator()
    try:
        result = simulator.run(simulator.load(deck))
    except (RuntimeError, ValueError, KeyError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    transient = result.transient
    if transient is None:
        print(f"Error: the deck asks for {result.analysis_type!r}, one .tran is allowed", file=sys.stderr)
        return 1
    status = transient.status
    for warning in status.warnings:
        print(f"Warning: {warning}", file=sys.stderr)
    if not status.converged:
        print("Error: transient did not converge", file=sys.stderr)
    names = ["time"]
    columns = [np.asarray(transient.time)]
    for signal in transient.signal_names():
        kind, inner = signal[:2].lower(), signal[2:-1]
        if kind not in ("v(", "i("):
            continue
        names.append(signal.lower())
        columns.append(np.asarray(transient.voltage(inner) if kind == "v(" else transient.current(inner)))
    append_plot(raw, "Transient Analysis", names, columns)
    return 0


if __name__ == "__main__":
    sys.exit(main())
