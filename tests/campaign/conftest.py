"""A campaign that has run once, for all tests that only look at its results."""

from __future__ import annotations

import pytest
from campaigns import written

from spicebridge.campaign import run

MIXED = """\
title = "A <sweep> of | everything"
learn = "Coarse steps stay unresolved."
case = "two.case.toml"
record = ["final_state"]
[[zip]]
drive.level = [0.1, 0.2, 0.3]
step = ["20m", 0.1, 0.2]
"network.initial_state.seed" = [1, 2, 3]
[sweep]
device.r_off = [400, "1k"]
[run]
tolerance = 1e-6
"""


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """(campaign, folder) after a run with one worker; not to be written to."""
    place = tmp_path_factory.mktemp("finished")
    campaign = written(place, MIXED)
    folder = place / "out"
    run(campaign, folder=folder, workers=1)
    return campaign, folder
