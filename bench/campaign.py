"""A campaign of 200 comparisons on one worker and on two: speed-up, and what the campaign itself costs.

    python -m bench.campaign

Each point is a 7 x 7 grid of 84 memristors with sources and states of its own, and three ngspice runs at a fixed
ladder of steps. Both runs are whole campaigns into an empty folder, processes started and results stored included.
The ratio means something on a machine with two idle processors only; the load before the runs is printed, and the
processor time of each run, which other work does not change much: on two idle processors the first run takes about
all of its own, the second about half.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from pathlib import Path

from spicebridge.campaign import Summary, load, run
from spicebridge.campaign.campaign_plan import Campaign
from spicebridge.campaign.point import Row
from spicebridge.campaign.point_store import Store

POINTS = 200
TIMES = ("wall_time", "simulator_time", "started", "worker")

FILE = f"""\
title = "Speed of a campaign"
[case]
stop = 5
[case.network]
generator = "grid_2d_graph"
args = [7, 7]
initial_state = {{random = [0.2, 0.45], seed = 1}}
[case.device]
law = "caravelli2017"
r_on = 100
r_off = 1000
alpha = 0.1
beta = 1
[case.drive]
kind = "dc"
level = {{random = [-0.1, 0.1], seed = 1}}
[random]
seed = 1
keys = ["network.initial_state.seed", "drive.level.seed"]
repeats = {POINTS}
[run]
engine = "ngspice"
step = 0.05
"""


def spent() -> float:
    """Processor time in s of this process and of all that it has waited for, simulators included."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measured(campaign: Campaign, folder: Path, workers: int) -> tuple[Summary, float, float, dict[str, Row]]:
    """The summary, wall and processor time in s, and the stored rows by key."""
    begin, processor = time.perf_counter(), spent()
    summary = run(campaign, folder=folder, workers=workers)
    return summary, time.perf_counter() - begin, spent() - processor, Store(folder).read()


def main() -> None:
    print(
        f"{POINTS} points of three ngspice runs each; load average before {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores"
    )
    walls: dict[int, float] = {}
    numbers: dict[int, dict[str, Row]] = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        path = place / "speed.campaign.toml"
        path.write_text(FILE, encoding="utf-8")
        campaign = load(path)
        for workers in (1, 2):
            summary, wall, processor, rows = measured(campaign, place / str(workers), workers)
            assert (summary.ran, summary.failed) == (POINTS, 0)
            points = sum(row["wall_time"] for row in rows.values())
            simulator = sum(row["simulator_time"] for row in rows.values())
            runs = sum(row["simulator_runs"] for row in rows.values())
            each = [1e3 * x / POINTS for x in (points, simulator, points - simulator, wall * workers - points)]
            print(f"  {workers} worker(s): {wall:.1f} s, processors busy for {processor:.1f} s, {runs} runs of ngspice")
            print(
                f"    a point takes {each[0]:.0f} ms: ngspice {each[1]:.0f} ms, theory and comparison {each[2]:.0f} ms;"
                f" start, hand-over and store {each[3]:.1f} ms a point and worker"
            )
            walls[workers] = wall
            numbers[workers] = {key: {n: v for n, v in row.items() if n not in TIMES} for key, row in rows.items()}
    print(f"  speed-up {walls[1] / walls[2]:.2f}; numbers {'identical' if numbers[1] == numbers[2] else 'DIFFER'}")


if __name__ == "__main__":
    main()
