"""Runs one deck with PySpice's shared-library interface: `LIBRARY DECK RAW`, or `LIBRARY --version`.

Started as a script by ``engines/pyspice.py``: libngspice may crash, hang or end its process, and keeps state from
deck to deck. What ngspice prints goes to the channel it was meant for.
"""

from __future__ import annotations

import logging
import os
import sys
from importlib.metadata import version
from pathlib import Path

library = sys.argv[1]
# PySpice reads it while it is imported.
os.environ["NGSPICE_LIBRARY_PATH"] = library

import numpy as np  # noqa: E402
from PySpice.Spice.NgSpice.Shared import NgSpiceCircuitError, NgSpiceCommandError, NgSpiceShared, ffi  # noqa: E402
from raw_writer import append_plot  # type: ignore[import-not-found]  # noqa: E402

# PySpice's own word for "look at the log", which is judged elsewhere.
COMPLAINTS = (NgSpiceCircuitError, NgSpiceCommandError)


class Messenger(NgSpiceShared):  # type: ignore[misc]
    """Passes on what ngspice says, once `listening`."""

    listening = False

    def send_char(self, message: str, ngspice_id: int) -> int:
        if self.listening:
            channel, _, content = message.partition(" ")
            print(content, file=sys.stderr if channel == "stderr" else sys.stdout, flush=True)
        return 0


def main() -> int:
    logging.disable(logging.CRITICAL)
    shared = Messenger()
    if sys.argv[2] == "--version":
        print(f"ngspice {shared.ngspice_version} (PySpice {version('PySpice')})")
        return 0
    deck, raw = sys.argv[2:]
    shared.listening = True
    try:
        shared.load_circuit(Path(deck).read_text(encoding="utf-8"))
        shared.run()
    except COMPLAINTS:
        pass
    except NameError as error:
        print(f"Error: {error}", file=sys.stderr)
    shared.listening = False
    for name in shared.plot_names:
        if name != "const":
            _write(shared, name, raw)
    return 0


def _write(shared: Messenger, plot: str, raw: str) -> None:
    library = shared._ngspice_shared
    vectors = library.ngSpice_AllVecs(plot.encode())
    count = 0
    while vectors[count] != ffi.NULL:
        name = ffi.string(vectors[count]).decode()
        info = library.ngGet_Vec_Info(f"{plot}.{name}".encode())
        # PySpice's reader would follow a null pointer.
        if info == ffi.NULL or (info.v_realdata == ffi.NULL and info.v_compdata == ffi.NULL):
            print(f"Error: signal {name!r} has no data: the run failed", file=sys.stderr)
            return
        count += 1
    found = shared.plot(simulation=None, plot_name=plot)
    columns: dict[str, np.ndarray] = {}
    for name, vector in found.items():
        columns[_raw_name(name)] = vector._data
    names = sorted(columns, key=lambda name: name != "time")
    append_plot(raw, "Transient Analysis" if plot.startswith("tran") else plot, names, [columns[n] for n in names])


def _raw_name(name: str) -> str:
    lower = name.lower()
    if lower == "time" or "(" in lower:
        return str(lower)
    return f"i({lower.removesuffix('#branch')})" if lower.endswith("#branch") else f"v({lower})"


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The library's own clean-up at exit is not worth a crash.
    os._exit(code)
