"""Time and memory of reading and flattening netlists, by kind of text. Prints one row per deck.

python bench/reading.py [elements]
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

from spicebridge.circuit.deck.flatten import flatten
from spicebridge.circuit.reader import read_deck


def fast(n: int) -> list[str]:
    """The fast form of edges, eight elements each, every card with a comment or numbers of its own."""
    cards = [".model SHI sw(vt=1 vh=0 ron=1e-12 roff=1e12)", "VH one 0 1"]
    for k in range(n // 8):
        a, b = k % 997, (7 * k + 1) % 997
        cards += [
            f"B{k} y{k} 0 I=1*V(y{k})*(1+9.0*V(w{k})) ; edge {k}: n{a} -> n{b}, state w{k}",
            f"GA{k} 0 y{k} n{a} n{b} 1",
            f"I{k} 0 y{k} SIN(0 {0.05 + 1e-6 * k} 2.5 0 0 {k % 360})",
            f"GE{k} n{a} n{b} y{k} 0 0.01",
            f"GW{k} w{k} 0 y{k} 0 {1.0 + k}",
            f"C{k} w{k} 0 1",
            f"R{k} w{k} 0 -10",
            f"SH{k} w{k} one w{k} 0 SHI",
        ]
    return [*cards, ".ic " + " ".join(f"v(w{k})={k / n}" for k in range(n // 8))]


def instances(n: int) -> list[str]:
    """A subcircuit of five elements per edge with parameters of its own, and a source."""
    cards = [
        ".subckt mem p n w r_on=100 r_off=1600 alpha=0 beta=1",
        "Vsense p x 0",
        "Rmem x n R='({r_on})+(({r_off})-({r_on}))*V(w)'",
        "Fdrift w 0 Vsense {r_on/beta}",
        "Gdecay 0 w w 0 {alpha}",
        "Cstate w 0 1",
        ".ends",
    ]
    for k in range(n // 6):
        cards += [
            f"X{k} n{k % 997} m{k} w{k} mem r_on={100 + k} alpha=0.1",
            f"V{k} m{k} n{(7 * k + 1) % 997} 0.05",
        ]
    return cards


def resistors(n: int) -> list[str]:
    """The plainest cards."""
    return [f"R{k} n{k} n{k + 1} {k + 1}.5k" for k in range(n)]


KINDS = {"fast": fast, "instances": instances, "resistors": resistors}


def measure(kind: str, n: int) -> None:
    """Print one row; in a process of its own, since memory is a high-water mark."""
    text = "\n".join(["title", *KINDS[kind](n), ".tran 1m 1", ".end", ""])
    read_deck("warm\nR1 a 0 {1}\nB1 b 0 V=V(a)\n.end\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    deck = read_deck(text)
    middle = time.process_time()
    flat = flatten(deck)
    end = time.process_time()
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"{kind:10s} {len(flat.elements):8d} elements {len(text) / 1e6:6.1f} MB  "
        f"read {middle - start:6.2f} s  flatten {end - middle:6.2f} s  +{memory:5.0f} MB"
    )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], int(sys.argv[2]))
    else:
        size = sys.argv[1] if len(sys.argv) > 1 else "100000"
        for name in KINDS:
            subprocess.run([sys.executable, __file__, name, size], check=True)
