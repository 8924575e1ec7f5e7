"""Small campaigns for tests: two memristors in a loop, which one simulator run settles in milliseconds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from spicebridge.campaign.campaign_plan import Campaign, load
from spicebridge.campaign.point import Row
from spicebridge.campaign.point_store import Store

CASE = """\
title = "Two in a loop"
learn = "Nothing but speed."
stop = 1

[network]
edges = [["a", "b"], ["b", "a"]]
initial_state = {random = [0.3, 0.5], seed = 1}

[device]
law = "caravelli2017"
r_on = 100
r_off = 1000
alpha = 0.1
beta = 1

[drive]
kind = "dc"
level = 0.1
"""

SWEEP = """\
case = "two.case.toml"
[sweep]
device.r_off = [400, "1k"]
drive.level = [0.1, 0.2]
"""

TIMES = ("wall_time", "simulator_time", "started", "worker")
"""Columns that tell when and where, and no result."""


def write(folder: Path, text: str = SWEEP, case: str = CASE, name: str = "x") -> Path:
    """A campaign file with its base case beside it."""
    folder.mkdir(exist_ok=True)
    (folder / "two.case.toml").write_text(case)
    path = folder / f"{name}.campaign.toml"
    path.write_text(text)
    return path


def written(folder: Path, text: str = SWEEP, case: str = CASE) -> Campaign:
    return load(write(folder, text, case))


def numbers(campaign: Campaign, folder: Path) -> dict[str, Row]:
    """What is stored, by key, without the columns that tell when and where."""
    found = Store(folder).read(point.key for point in campaign.points)
    return {key: {name: cell for name, cell in row.items() if name not in TIMES} for key, row in found.items()}


def files(folder: Path) -> dict[str, bytes]:
    """Every stored point, byte by byte."""
    return {path.name: path.read_bytes() for path in (folder / "points").iterdir()}


def shim(path: Path, lines: str) -> Path:
    """A program that runs `lines` of shell with $deck set, then the real ngspice; only for decks of networks."""
    real = shutil.which("ngspice")
    assert real is not None
    path.write_text(
        f"""#!/bin/sh
if [ "$1" = --version ]; then exec {real} "$@"; fi
for deck; do :; done
if grep -q 'edge p' "$deck"; then
{lines}
fi
exec {real} "$@"
"""
    )
    os.chmod(path, 0o755)
    return path


def named_points(count: int) -> str:
    """A campaign whose points are networks with a node of their own name, p0 to p<count - 1>, seen in the deck."""
    edges = ", ".join(f'[["p{k}", "b"], ["b", "p{k}"]]' for k in range(count))
    levels = ", ".join(str(0.1 + 0.01 * k) for k in range(count))
    return f'case = "two.case.toml"\n[[zip]]\nnetwork.edges = [{edges}]\ndrive.level = [{levels}]\n'


LOG = "grep -o 'edge p[0-9]*' \"$deck\" | head -1 | cut -c6- >> {log}"
"""Line of a shim that writes the name of the point into a log."""
