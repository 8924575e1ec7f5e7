"""What every fake VACASK needs: its banner on standard output, and a raw file as it writes them.

Bare names in lower case, ``v1:flow(br)`` for a current, units "notype", a padded number of points. The defaults are a
complete run of the deck in test_vacask.py (FAKE_DECK): a capacitor that charges.
"""

import sys

from plausible import raw_bytes, samples

NAMES = (("time", "notype"), ("out", "notype"), ("v1:flow(br)", "notype"))
BANNER = """This is vacask {}.
(c)2023-2026 EDA Lab FE Uni-Lj, Arpad Buermen
https://codeberg.org/arpadbuermen/VACASK
  OpenMP parallel processing
  Cadnip foreign parsers

Available CPUs:     1
CPUs used:          1
OpenBLAS CPUs:      1

"""


def finish(rows=None, *, stdout="", stderr="", code=0, version="0.3.4", raw=True, **parts):
    """A whole run: banner, messages, raw file, exit code."""
    sys.stdout.write(BANNER.format(version))
    if "--help" in sys.argv:
        sys.exit(0)
    sys.stdout.write(stdout)
    sys.stderr.write(stderr)
    if raw:
        content = raw_bytes(samples() if rows is None else rows, names=NAMES, **parts)
        count = str(len(samples() if rows is None else rows)).encode()
        content = content.replace(b"No. Points: " + count + b"\n", b"No. Points: " + count.ljust(16) + b"\n")
        with open("out.raw", "wb") as file:
            file.write(content)
    sys.exit(code)
