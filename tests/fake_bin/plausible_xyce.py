"""What every fake Xyce needs: it answers like Xyce and writes a raw file as Xyce's -r does.

Bare names in capitals, an underscore kept, "#branch" for a trailing "_branch", every node and branch, no .save. The
defaults are a complete run of the deck in test_engines_more.py (XYCE_DECK): a capacitor that charges. The summary is
what Xyce 7.10 prints.
"""

import sys

from plausible import raw_bytes, samples, write

NAMES = (("time", "time"), ("IN", "voltage"), ("OUT", "voltage"), ("A_B", "voltage"), ("N#branch", "voltage"))
NAMES = (*NAMES, ("V1#branch", "current"))
SUMMARY = """
***** Executing netlist deck.cir
***** Reading and parsing netlist...
***** Setting up topology...
***** Device Count Summary ...
       C level 1 (Capacitor)                                   1
       -----------------------------------------------------------
       Total Devices                                           3
***** Setting up matrix structure...
***** Number of Unknowns = 4
***** Initializing...
***** Beginning Transient Calculation...
***** Problem read in and set up time: 0.0109 seconds
***** Solution Summary *****
        Number Successful Steps Taken:              100
        Number Failed Steps Attempted:              {retried}
        Number Jacobians Evaluated:                 312
        Number Linear Solves:                       312
        Number Failed Linear Solves:                0
        Number Residual Evaluations:                415
        Number Nonlinear Convergence Failures:      {retried}
        Total Residual Load Time:                   0.0021 seconds
***** Total Simulation Solvers Run Time: 0.0214 seconds
***** Total Elapsed Run Time:            0.0323 seconds
*****
***** End of Xyce(TM) Simulation
*****

Timing summary of 1 processor
                 Stats                   Count       CPU Time              Wall Time
---------------------------------------- ----- --------------------- ---------------------
Xyce                                         1        0.032 (100.0%)        0.032 (100.0%)
  Analysis                                   1        0.021 (66.2%)         0.021 (66.3%)
    Transient                                1        0.021 (66.2%)         0.021 (66.3%)
      Nonlinear Solve                      103        0.019 (59.4%)         0.019 (59.1%)
        Residual                           415        0.004 (12.5%)         0.004 (12.6%)
      Successful Step                      100        0.001 ( 3.1%)         0.001 ( 2.9%)
      Failed Steps                           {retried}        0.000 ( 0.0%)        <0.001 (<0.1%)
        Nonlinear Failure                    {retried}        0.000 ( 0.0%)        <0.001 (<0.1%)
"""


def rows():
    """(time, v(in), v(out), v(a_b), v(n_branch), i(v1))."""
    return [(t, 1.0, v, 0.5, 0.25, i) for t, v, i in samples()]


def finish(table=None, *, stdout="", stderr="", code=0, version="Xyce Release 7.10.0-opensource", retried=0, **raw):
    """A whole run: version, raw file, messages, exit code."""
    if "-v" in sys.argv:
        print(version)
        sys.exit(0)
    write(raw_bytes(rows() if table is None else table, names=NAMES, **raw))
    sys.stdout.write(stdout + SUMMARY.format(retried=retried))
    sys.stderr.write(stderr)
    sys.exit(code)
