"""What every fake simulator needs: it answers like ngspice and writes a raw file like ngspice's.

The defaults make a complete, believable run of the deck in test_engine_ngspice.py (RC_DECK), so
each fake differs from success by the one thing its name says.
"""

import math
import os
import struct
import sys
import time

TAU = STOP = 1e-3
STEPS = 100
NAMES = (("time", "time"), ("v(out)", "voltage"), ("i(v1)", "current"))
BANNER = "******\n** ngspice-{} : Circuit level simulation program\n******\n"


def samples(last=STOP):
    """Rows (t, v, i) of the charging capacitor on [0, last]."""
    times = [last * k / STEPS for k in range(STEPS)] + [last]
    return [(t, 1.0 - math.exp(-t / TAU), -1e-3 * math.exp(-t / TAU)) for t in times]


def raw_bytes(rows, declared=None, names=NAMES, plotname="Transient Analysis", flags="real"):
    """A binary raw file with one plot."""
    head = ["Title: fake", "Date: today", f"Plotname: {plotname}", f"Flags: {flags}"]
    head += [f"No. Variables: {len(names)}"]
    head += [f"No. Points: {len(rows) if declared is None else declared}", "Variables:"]
    head += [f"\t{k}\t{name}\t{unit}" for k, (name, unit) in enumerate(names)]
    body = b"".join(struct.pack(f"<{len(row)}d", *row) for row in rows)
    return "\n".join([*head, "Binary:", ""]).encode() + body


def answer_version(version="39"):
    """Print the banner and end, if that is what was asked."""
    if "--version" in sys.argv:
        print(BANNER.format(version) if version else "what a lovely day")
        sys.exit(0)


def write(content):
    """Write the raw file to the place given by -r."""
    with open(sys.argv[sys.argv.index("-r") + 1], "wb") as file:
        file.write(content)


def finish(rows=None, *, stderr="", stdout="", code=0, content=None, **raw):
    """A whole run: version, raw file, messages, exit code."""
    answer_version()
    write(raw_bytes(samples() if rows is None else rows, **raw) if content is None else content)
    print("No. of Data Rows :", STEPS + 1)
    sys.stdout.write(stdout)
    sys.stderr.write(stderr)
    sys.exit(code)


def leave_heart_beating():
    """Start a grandchild that writes a byte every 10 ms to $FAKE_HEARTBEAT until it is killed."""
    place = os.environ["FAKE_HEARTBEAT"]
    if os.fork() == 0:
        with open(place, "ab", buffering=0) as file:
            while True:
                file.write(b".")
                time.sleep(0.01)
    while not (os.path.exists(place) and os.path.getsize(place)):
        time.sleep(0.01)
