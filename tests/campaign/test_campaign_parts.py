"""Points put together: the same rows, whatever happens on the way, and few bytes to read."""

from __future__ import annotations

import pandas
import pytest
from campaigns import write

from spicebridge.campaign import load, parquet_parts, results, run
from spicebridge.campaign.point import Done
from spicebridge.campaign.point_store import Store, axis_kinds
from spicebridge.errors import CampaignError

MANY = 'case = "two.case.toml"\n[sweep]\nstop = { from = 0.1, to = 1.0, count = 40 }\n'


@pytest.fixture
def stored(tmp_path):
    """A campaign whose points are stored without being run."""
    campaign = load(write(tmp_path, MANY))
    store = Store(campaign.folder)
    store.prepare(campaign)
    for n, point in enumerate(campaign.points):
        row = {"key": point.key, "status": "done", "outcome": "agrees", "max_error": n * 1e-9, "final_state": [0.5, n]}
        store.save(point, Done(row, None), axis_kinds(campaign))
    return campaign, store


def test_rows_stay_the_same_and_later_points_join_them(stored):
    campaign, store = stored
    before, table = store.read(), results(campaign)
    store.compact()
    assert [path.name for path in store.points.iterdir()] == ["part-000001.parquet"]
    assert store.read() == before
    pandas.testing.assert_frame_equal(results(campaign), table)
    assert store.stored() == (frozenset(before), frozenset())
    whole = pandas.read_parquet(store.points)
    assert sorted(whole["key"]) == sorted(before)
    assert run(campaign).ran == 0


def test_a_crash_before_the_single_files_are_gone_costs_and_doubles_nothing(stored, monkeypatch):
    campaign, store = stored
    before = store.read()
    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda self, missing_ok=False: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.compact()
    assert len(list(store.points.iterdir())) == 41
    assert store.read() == before
    assert len(results(campaign)) == 40
    store.compact()
    monkeypatch.setattr(parquet_parts, "MOST_PARTS", 0)
    store.compact()
    parquet_parts.compact(store.points, [])
    (whole,) = parquet_parts.of(store.points)
    assert len(parquet_parts.keys(whole)) == 40
    assert store.read() == before


def test_a_crash_while_a_part_is_written_leaves_the_single_files(stored, monkeypatch):
    _, store = stored
    before = store.read()
    monkeypatch.setattr(
        parquet_parts, "_write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(OSError, match="space"):
        store.compact()
    assert parquet_parts.of(store.points) == []
    assert store.read() == before


def test_points_with_other_axes_keep_their_columns(stored, tmp_path):
    campaign, store = stored
    point = campaign.points[0]
    other = {"key": "f" * 8, "status": "done", "outcome": "agrees"}
    changed = type(point)(**{**point.__dict__, "key": "f" * 8, "coordinates": {"engine": "x"}})
    store.save(changed, Done(other, None), {"engine": "string"})
    store.compact()
    assert len(parquet_parts.of(store.points)) == 2
    assert len(store.read()) == 41


def test_a_damaged_part_is_named(stored):
    campaign, store = stored
    store.compact()
    (part,) = parquet_parts.of(store.points)
    part.write_bytes(part.read_bytes()[:500])
    with pytest.raises(CampaignError, match=r"part-000001\.parquet: is damaged .* its points will run again"):
        results(campaign)


def test_only_the_columns_that_are_asked_for(stored):
    campaign, store = stored
    store.compact()
    assert list(results(campaign, columns=["max_error"]).columns) == ["stop", "max_error"]
    with pytest.raises(CampaignError, match=r"column 'max_eror' .*did you mean 'max_error'"):
        results(campaign, columns=["max_eror"])
