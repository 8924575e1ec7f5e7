"""A small case file and a way to change its sections, for tests of the reader."""

from __future__ import annotations

PLAIN = """\
title = "K4"
learn = "Something."
stop = "5"

[network]
generator = "complete_graph"
args = [4]
initial_state = 0.4

[device]
law = "caravelli2017"
r_on = 100
r_off = "1.6k"
alpha = 0.1
beta = 1.0

[drive]
kind = "sine"
amplitude = 1.0
frequency = 2.0

[validate]
tolerance = 1e-6
points = 11
"""


def with_network(body, device="", drive=""):
    """A case with another [network] section, and optionally other sections."""
    head, rest = PLAIN.split("[network]")
    tail = rest[rest.index("[device]") :]
    if device:
        tail = device + "\n" + tail[tail.index("[drive]") :]
    if drive:
        tail = tail[: tail.index("[drive]")] + drive + tail[tail.index("[validate]") :]
    return f"{head}[network]\n{body}\n\n{tail}"
