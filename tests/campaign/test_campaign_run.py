"""Runs: the same numbers anywhere, nothing lost by a kill, nothing run twice, failures kept with their reason."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from campaigns import LOG, SWEEP, files, named_points, numbers, shim, write, written

import spicebridge as sb
from spicebridge.campaign import load, point_store, results, run
from spicebridge.campaign.execution import state
from spicebridge.campaign.point_store import Store
from spicebridge.case.case import Case
from spicebridge.circuit.engines.ngspice import EXECUTABLE_VARIABLE
from spicebridge.cli import main
from spicebridge.errors import CampaignError, OutputError, SimulatorMissing

FAKES = Path(__file__).resolve().parent.parent / "fake_bin"


def command(*arguments):
    return [sys.executable, "-m", "spicebridge", "campaign", *map(str, arguments)]


def wait_until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.005)


def test_two_workers_give_the_numbers_of_one_bit_for_bit(finished, tmp_path):
    campaign, folder = finished
    summary = run(campaign, folder=tmp_path / "two", workers=2)
    assert (summary.ran, summary.kept, summary.failed) == (6, 0, 0)
    assert numbers(campaign, tmp_path / "two") == numbers(campaign, folder)


def test_the_numbers_are_those_of_validate(finished):
    """The table is what a user would get point by point."""
    campaign, folder = finished
    table = results(campaign, folder)
    assert list(table["device.r_off"]) == [400.0] * 3 + [1000.0] * 3
    for point, (_, row) in zip(campaign.points, table.iterrows(), strict=True):
        case = campaign.base.case(point.case, {})
        step = {"20m": 0.02}.get(point.run["step"], point.run["step"])
        verdict = sb.validate(case.network, case.t, tolerance=1e-6, step=step, engine="ngspice")
        assert (row["outcome"], row["max_error"], row["uncertainty"], row["observed_order"]) == (
            verdict.outcome.value,
            verdict.max_error,
            verdict.uncertainty,
            verdict.observed_order,
        )
        assert list(row["final_state"]) == verdict.spice.state[-1].tolist()
        assert row["kcl_residual"] == verdict.invariants.kcl
        assert (row["edges"], row["nodes"], row["simulator_runs"]) == (2, 2, 3)
        assert 0 < row["simulator_time"] < row["wall_time"]
    assert set(table["outcome"]) == {"agrees", "unresolved"}


def test_the_folder_is_one_table_for_pandas(finished):
    import pandas

    campaign, folder = finished
    whole = pandas.read_parquet(folder / "points").set_index("key")
    table = results(campaign, folder).set_index("key")
    assert sorted(whole.index) == sorted(point.key for point in campaign.points)
    assert (whole.loc[table.index, "max_error"] == table["max_error"]).all()
    assert (whole.loc[table.index, "device.r_off"] == table["device.r_off"]).all()


def test_a_longer_axis_runs_its_new_points_only(tmp_path):
    text = SWEEP + '[random]\nseed = 4\nkeys = ["network.initial_state.seed"]\n'
    campaign = written(tmp_path, text)
    run(campaign, workers=1)
    before = files(campaign.folder)
    longer = written(tmp_path, text.replace('[400, "1k"]', '[300, 400, "1k"]').replace("[0.1, 0.2]", "[0.2]"))
    assert [p.coordinates["device.r_off"] for p in state(longer).missing] == [300]
    summary = run(longer, workers=1)
    assert (summary.points, summary.ran, summary.kept, len(summary.old)) == (3, 1, 2, 2)
    after = files(campaign.folder)
    assert before.items() <= after.items()
    assert len(after) == 5
    assert list(results(longer)["device.r_off"]) == [300.0, 400.0, 1000.0]
    changed = load(
        write(tmp_path, text, (tmp_path / "two.case.toml").read_text().replace("alpha = 0.1", "alpha = 0.2"))
    )
    assert (len(state(changed).missing), len(state(changed).old)) == (4, 5)


@pytest.mark.parametrize("attempt", [1, 2])
def test_killed_at_a_random_point_and_resumed(tmp_path, monkeypatch, attempt):
    """SIGKILL of the whole group: stored points stay byte for byte and never reach the simulator again."""
    count = 7
    campaign = load(write(tmp_path, named_points(count)))
    log = tmp_path / "log"
    monkeypatch.setenv(EXECUTABLE_VARIABLE, str(shim(tmp_path / "ngspice", LOG.format(log=log))))
    wanted = random.Random(attempt).randrange(1, count - 3)
    running = subprocess.Popen(command(campaign.path, "--workers", 2, "--quiet"), start_new_session=True)
    place = Store(campaign.folder)
    wait_until(lambda: len(place.stored()[0]) >= wanted)
    os.killpg(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    time.sleep(0.3)  # simulators that were running end by themselves
    kept = place.stored()[0]
    assert wanted <= len(kept) < count
    before = {name: data for name, data in files(campaign.folder).items() if not name.startswith(".")}
    started = Counter(log.read_text().split())
    log.write_text("")
    summary = run(campaign, workers=2)
    assert (summary.ran, summary.kept) == (count - len(kept), len(kept))
    again = Counter(log.read_text().split())
    names = {point.key: point.coordinates["network.edges"][0][0] for point in campaign.points}
    assert set(again) == {names[key] for key in set(names) - kept}
    assert {names[key] for key in kept} <= set(started)
    runs = {names[row["key"]]: row["simulator_runs"] for row in place.read().values()}
    assert all(started[names[key]] == runs[names[key]] for key in kept)
    assert all(again[name] == runs[name] for name in again)
    after = files(campaign.folder)
    assert before.items() <= after.items()
    assert sorted(after) == sorted(f"{key}.parquet" for key in names)


def test_failed_points_keep_their_reason_and_are_retried(tmp_path, monkeypatch):
    """One point whose simulator crashes, one whose worker is killed: the others are judged, a retry runs these two."""
    campaign = load(write(tmp_path, named_points(4)))
    broken = tmp_path / "broken"
    broken.touch()
    lines = (
        f'if [ -e {broken} ] && grep -q "edge p1-" "$deck"; then kill -SEGV $$; fi\n'
        f'if [ -e {broken} ] && grep -q "edge p2-" "$deck"; then kill -KILL $PPID; sleep 5; fi'
    )
    monkeypatch.setenv(EXECUTABLE_VARIABLE, str(shim(tmp_path / "ngspice", lines)))
    assert main(["campaign", str(campaign.path), "--workers", "2", "--quiet"]) == 3
    rows = {row["worst_edge"] or row["reason"]: row for row in Store(campaign.folder).read().values()}
    failed = {row["failure"]: row for row in rows.values() if row["status"] == "failed"}
    assert set(failed) == {"simulator", "worker"}
    assert failed["simulator"]["error"] == "SimulatorDied"
    assert "died" in failed["worker"]["reason"]
    assert len(state(campaign).failed) == 2
    broken.unlink()
    before = files(campaign.folder)
    assert run(campaign, workers=1).ran == 0
    assert files(campaign.folder) == before
    summary = run(campaign, workers=1, retry=True)
    assert (summary.ran, summary.kept, summary.failed) == (2, 2, 0)
    assert sorted(files(campaign.folder)) == sorted(f"{point.key}.parquet" for point in campaign.points)
    assert list(results(campaign)["outcome"]) == ["agrees"] * 4


def test_a_point_that_is_no_network_fails_with_its_reason(tmp_path):
    """One that only the combination of two axes makes wrong, which no check of single values sees."""
    text = 'case = "two.case.toml"\n[sweep]\ndevice.r_on = [100, 500]\ndevice.r_off = [1000, 400]\n'
    campaign = written(tmp_path, text)
    assert main(["campaign", str(campaign.path), "--workers", "1", "--quiet"]) == 2
    table = results(campaign)
    assert list(table["outcome"].fillna("failed")) == ["agrees", "agrees", "agrees", "failed"]
    assert table["reason"][3] == "device.r_off: LinearMemristor: `r_off` 400 must exceed `r_on` 500"


def test_a_hanging_simulator_is_a_failed_point(tmp_path, monkeypatch):
    campaign = load(write(tmp_path, named_points(1) + "[run]\ntimeout = 0.5\n"))
    monkeypatch.setenv(EXECUTABLE_VARIABLE, str(shim(tmp_path / "ngspice", "sleep 30")))
    began = time.monotonic()
    assert run(campaign, workers=1).failed == 1
    assert time.monotonic() - began < 20.0
    assert "0.5 s" in results(campaign)["reason"][0]


def test_a_missing_simulator_ends_it_before_any_point(tmp_path, monkeypatch):
    campaign = written(tmp_path)
    monkeypatch.setenv(EXECUTABLE_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(SimulatorMissing):
        run(campaign)
    assert len(state(campaign).missing) == 4


def test_one_process_at_a_time(tmp_path):
    campaign = written(tmp_path)
    with Store(campaign.folder).alone(), pytest.raises(CampaignError, match=f"process {os.getpid()} on .* since 20"):
        run(campaign)
    assert state(campaign).done == frozenset()


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path):
    folder = tmp_path / "x.campaign"
    code = (
        "import sys, time; from pathlib import Path; from spicebridge.campaign.point_store import Store\n"
        f"with Store(Path({str(folder)!r})).alone():\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CampaignError, match=f"process {holder.pid} on "), Store(folder).alone():
            pass
        holder.kill()
    assert f'"pid": {holder.pid}' in (folder / "lock").read_text()
    with Store(folder).alone():
        assert f'"pid": {os.getpid()}' in (folder / "lock").read_text()
    assert (folder / "lock").read_text() == ""


def test_an_interruption_ends_simulators_and_keeps_what_is_stored(tmp_path, monkeypatch):
    count = 6
    campaign = load(write(tmp_path, named_points(count)))
    lines = f'if grep -qE "edge p[2-9]-" "$deck"; then echo $$ >> {tmp_path}/hanging; exec sleep 60; fi'
    monkeypatch.setenv(EXECUTABLE_VARIABLE, str(shim(tmp_path / "ngspice", lines)))
    with subprocess.Popen(
        command(campaign.path, "--workers", 2), start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as running:
        hanging = tmp_path / "hanging"
        wait_until(
            lambda: hanging.exists() and len(hanging.read_text().split()) >= 2 and len(state(campaign).done) == 2
        )
        began = time.monotonic()
        os.killpg(running.pid, signal.SIGINT)
        assert running.wait(timeout=30.0) == 130
        assert time.monotonic() - began < 8.0
        told = running.stderr.read().splitlines()[1:]
        assert told[-1] == "spicebridge: interrupted"
        assert all(line.startswith("spicebridge: points · ") for line in told[:-1]), told
    for pid in hanging.read_text().split():
        wait_until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), 5.0)
    found = state(campaign)
    assert (len(found.done), len(found.failed), len(found.missing)) == (2, 0, count - 2)


def test_workers_end_with_their_parent(tmp_path, monkeypatch):
    """The parent alone is killed: no worker and no simulator stays behind."""
    campaign = load(write(tmp_path, named_points(2)))
    lines = f"echo $$ $PPID >> {tmp_path}/hanging; exec sleep 60"
    monkeypatch.setenv(EXECUTABLE_VARIABLE, str(shim(tmp_path / "ngspice", lines)))
    running = subprocess.Popen(command(campaign.path, "--workers", 1, "--quiet"))
    wait_until((tmp_path / "hanging").exists)
    running.kill()
    running.wait()
    for pid in (tmp_path / "hanging").read_text().split():
        wait_until(lambda pid=pid: not Path(f"/proc/{pid}").exists(), 20.0)


def test_a_folder_of_something_else_is_refused(tmp_path):
    campaign = written(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt|two\.case\.toml|campaign\.toml"):
        run(campaign, folder=tmp_path)
    with pytest.raises(OutputError, match="is a file"):
        run(campaign, folder=tmp_path / "notes.txt")
    assert not (tmp_path / "lock").exists()


def test_a_moved_campaign_goes_on(tmp_path):
    place = tmp_path / "here"
    campaign = load(write(place, SWEEP.replace("[0.1, 0.2]", "[0.1]")))
    run(campaign, workers=1)
    place.rename(tmp_path / "there")
    moved = load(tmp_path / "there" / campaign.path.name)
    assert (len(state(moved).done), state(moved).missing) == (2, ())
    assert list(results(moved)["outcome"]) == ["agrees", "agrees"]


def test_a_damaged_file_is_named_with_the_remedy(finished, tmp_path):
    import shutil

    campaign, folder = finished
    shutil.copytree(folder, tmp_path / "copy")
    victim = next((tmp_path / "copy" / "points").iterdir())
    victim.write_bytes(victim.read_bytes()[:100])
    with pytest.raises(CampaignError, match=f"{victim.name}: is damaged .* remove the file"):
        results(campaign, tmp_path / "copy")


def test_waveforms_where_asked_for(tmp_path):
    text = 'record = ["waveforms"]\n' + SWEEP.replace("[0.1, 0.2]", "[0.1]").replace('[400, "1k"]', "[400]")
    campaign = written(tmp_path, text)
    run(campaign, workers=1)
    (point,) = campaign.points
    waves = sb.Waveforms.load(campaign.folder / "waveforms" / f"{point.key}.npz")
    row = Store(campaign.folder).read()[point.key]
    case = Case.from_toml((tmp_path / "two.case.toml").read_text().replace("r_off = 1000", "r_off = 400"))
    theory = sb.integrate(case.network, waves.t)
    assert abs(waves.state - theory.state).max() == pytest.approx(row["max_error"], rel=1e-3)


def test_without_pyarrow_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    campaign = written(tmp_path)
    with pytest.raises(CampaignError, match="pip install pyarrow pandas"):
        run(campaign)
    assert not campaign.folder.exists()


def test_a_full_disk_ends_the_run_and_leaves_whole_points(tmp_path, monkeypatch):
    """The third point cannot be written: two are stored, the workers are gone, and the next run does the rest."""
    campaign = written(tmp_path)
    written_whole = point_store._write
    count = iter(range(10))

    def write_until_full(path, row, kinds):
        if next(count) == 2:
            path.write_bytes(b"PAR1")
            raise OSError(errno.ENOSPC, "No space left on device")
        written_whole(path, row, kinds)

    monkeypatch.setattr(point_store, "_write", write_until_full)
    with pytest.raises(OutputError, match="No space left on device"):
        run(campaign, workers=1)
    assert multiprocessing.active_children() == []
    assert len(files(campaign.folder)) == len(state(campaign).done) == 2
    monkeypatch.undo()
    assert run(campaign, workers=1).ran == 2


def test_misuse_is_refused(tmp_path):
    campaign = written(tmp_path)
    with pytest.raises(CampaignError, match="at least 1"):
        run(campaign, workers=0)
    with pytest.raises(CampaignError, match="exclude each other"):
        run(campaign, workers=1, scheduler="tcp://127.0.0.1:1")
    assert not campaign.folder.exists()
