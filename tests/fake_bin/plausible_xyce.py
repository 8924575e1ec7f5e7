"""What every fake Xyce needs: it answers like Xyce and writes a raw file as Xyce's -r does.

Bare names, "#" for the last underscore, every node and branch, no .save. The defaults are a complete run of
the deck in test_engines_more.py (XYCE_DECK): a capacitor that charges.
"""

import sys

from plausible import raw_bytes, samples, write

NAMES = (("time", "time"), ("IN", "voltage"), ("OUT", "voltage"), ("A#B", "voltage"), ("V1#branch", "current"))
SUMMARY = """
***** Executing netlist deck.cir
***** Beginning Transient Analysis...
***** Solution Summary *****
        Number Successful Steps Taken:              100
        Number Failed Steps Attempted:              0
        Number Nonlinear Convergence Failures:      0
***** Total Elapsed Run Time:      0.01 seconds
"""


def rows():
    """(time, v(in), v(out), v(a_b), i(v1))."""
    return [(t, 1.0, v, 0.5, i) for t, v, i in samples()]


def finish(table=None, *, stdout="", stderr="", code=0, version="Xyce Release 7.8-opensource", **raw):
    """A whole run: version, raw file, messages, exit code."""
    if "-v" in sys.argv:
        print(version)
        sys.exit(0)
    write(raw_bytes(rows() if table is None else table, names=NAMES, **raw))
    sys.stdout.write(SUMMARY + stdout)
    sys.stderr.write(stderr)
    sys.exit(code)
