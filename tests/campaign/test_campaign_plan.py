"""Campaign files: axes, points, seeds and keys; every mistake has its line."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from campaigns import CASE, SWEEP, write, written
from hypothesis import given
from hypothesis import strategies as st

from spicebridge.campaign import load
from spicebridge.campaign.axes import canonical
from spicebridge.campaign.dotted import format_key, parse_key, with_value
from spicebridge.errors import SpiceBridgeError

HEAD = 'case = "two.case.toml"\n'

MISTAKES = [
    # text of the campaign, line, words of the message
    ("", 1, "'case' is missing"),
    (HEAD, 1, "sweeps nothing"),
    (HEAD + "[sweeep]\nstop = [1]", 2, "unknown key (did you mean 'sweep'?)"),
    ('case = "none.case.toml"\n[sweep]\nstop = [1]', 1, "cannot read the base case: No such file"),
    (HEAD + "[sweep]\nstop = [1", 3, "not valid TOML"),
    (HEAD + "[sweep]\nstop = []", 3, "stop: has no values; a sweep over nothing has no points"),
    (HEAD + "[sweep]\nstop = 1", 3, "must be a list of values, or a range"),
    (HEAD + "[sweep]\nstop = [1, 1.0]", 3, "given twice"),
    (HEAD + "[sweep]\nstop = [1, nan]", 3, "finite numbers"),
    (HEAD + "[sweep]\nstop = [1, 1979-05-27]", 3, "is no value"),
    (HEAD + "[sweep]\nstop = [1, -1]", 3, "stop: -1 must be positive"),
    (HEAD + "[sweep]\ndevice.ron = [1, 2]", 3, "device.ron: unknown key (did you mean 'r_on'?)"),
    (HEAD + "[sweep]\ndevices.xi = [1, 2]", 3, "devices: unknown key (did you mean 'device'?)"),
    (HEAD + "[sweep]\ndevice.r_off = [1000, 2000, 50]", 3, "`r_off` 50 must exceed `r_on` 100"),
    (HEAD + '[sweep]\n"device[0].r_on" = [1, 2]', 3, "device is no list in the base case"),
    (HEAD + '[sweep]\n"network.edges[2]" = [["a", "b"]]', 3, "has 2 entries, counted from 0"),
    (HEAD + '[sweep]\n"device[x]" = [1]', 3, "is no key of a case"),
    (HEAD + "[sweep]\nstop.seed = [1]", 3, "has no key 'seed'"),
    (HEAD + '[sweep]\nstop = [1]\nengine = ["ngspcie"]', 4, "did you mean 'ngspice'"),
    (HEAD + '[sweep]\nvalidate.engine = ["ngspcie"]', 3, "did you mean 'ngspice'"),
    (HEAD + '[sweep]\nform = ["fats"]', 3, "did you mean 'fast'"),
    (HEAD + "[sweep]\nstep = [0.1, 0]", 3, "must be a positive number"),
    (HEAD + "[sweep]\nstop = [1]\n[run]\ntolerance = -1", 5, "must be a positive number"),
    (HEAD + "[sweep]\nstop = [1]\n[run]\nengin = 1", 5, "did you mean 'engine'"),
    (HEAD + "[sweep]\nstop = {from = 1, to = 2}", 3, "needs count or step"),
    (HEAD + "[sweep]\nstop = {from = 1, to = 2, count = 2, step = 1}", 3, "and not both"),
    (HEAD + "[sweep]\nstop = {form = 1, to = 2, count = 2}", 3, "did you mean 'from'"),
    (HEAD + "[sweep]\nstop = {from = 1, to = 2, count = 1}", 3, "at least 2"),
    (HEAD + "[sweep]\nstop = {from = 1, to = 1, count = 2}", 3, "cannot differ"),
    (HEAD + "[sweep]\nstop = {from = 1, to = 2, step = -1}", 3, "does not lead from 1 to 2"),
    (HEAD + '[sweep]\nstop = {from = 0, to = 2, count = 3, spacing = "log"}', 3, "positive for logarithmic"),
    (HEAD + '[sweep]\nstop = {from = 1, to = 2, count = 3, spacing = "lg"}', 3, "did you mean 'log'"),
    (HEAD + "[sweep]\nstop = {from = 1, to = 2, count = 100000000}", 3, "at most"),
    (HEAD + "[[zip]]\nstop = [1, 2]\ndevice.r_off = [1000, 2000, 3000]", 4, "3 values, but stop beside it has 2"),
    (HEAD + "[sweep]\nstop = [1]\n[[zip]]", 4, "has no keys; name the keys"),
    (HEAD + "[sweep]\nstop = [1]\n[[zip]]\nstop = [2]", 5, "swept already at"),
    (HEAD + '[sweep]\ndrive = [{kind = "dc", level = 1}]\n"drive.level" = [2]', 4, "drive is swept already"),
    (HEAD + "[random]\nkeys = []\nseed = 1", 3, "names no seed"),
    (HEAD + '[random]\nkeys = ["network.initial_state.seed"]', 2, "'seed' is missing"),
    (HEAD + '[random]\nkeys = ["drive.level.seed"]\nseed = 1\nrepeats = 2', 3, "drive.level is 0.1 in the base case"),
    (HEAD + '[random]\nseed = 1\nkeys = ["network.initial_state.sede"]', 4, "did you mean 'seed'"),
    (HEAD + '[random]\nseed = 1\nkeys = ["network.initial_state.seed"]\nsame_along = ["x"]', 5, "'x' is not swept"),
    (HEAD + '[random]\nseed = 1\nkeys = ["network.initial_state.seed"]\nrepeats = 0', 5, "at least 1"),
    (HEAD + 'record = ["final"]\n[sweep]\nstop = [1]', 2, "did you mean 'final_state'"),
]


@pytest.mark.parametrize(("text", "line", "words"), MISTAKES, ids=[words for _, _, words in MISTAKES])
def test_mistakes_name_line_and_remedy(tmp_path, text, line, words):
    path = write(tmp_path, text)
    with pytest.raises(SpiceBridgeError) as caught:
        load(path)
    message = str(caught.value)
    assert words in message
    assert f"{path}:{line}:" in message


def test_a_missing_file_and_a_broken_base_case_are_named(tmp_path):
    with pytest.raises(SpiceBridgeError, match=r"none\.campaign\.toml: cannot read the campaign"):
        load(tmp_path / "none.campaign.toml")
    with pytest.raises(SpiceBridgeError, match=r"two\.case\.toml:9: .*r_off"):
        written(tmp_path, SWEEP.replace('device.r_off = [400, "1k"]\n', ""), CASE.replace("r_off = 1000\n", ""))
    with pytest.raises(SpiceBridgeError, match=r"two\.case\.toml:11: device\.r_on: .*positive"):
        written(tmp_path, SWEEP, CASE.replace("r_on = 100\n", "r_on = -1\n"))


def test_a_value_that_spoils_something_else_is_named_too(tmp_path):
    text = HEAD + "[sweep]\ndevice.alpha = [0.1, 0.2]\ndevice.r_on = [100, 2000]\n"
    case = CASE.replace("r_on = 100\nr_off = 1000", "r_off = 1000\nr_on = 100")
    with pytest.raises(SpiceBridgeError, match=r"x\.campaign\.toml:4: .*r_on = 2000.*r_off. 1000 must exceed"):
        written(tmp_path, text, case)


def test_two_points_with_one_case_are_refused(tmp_path):
    """Their results could not be told apart; a title is no part of a case's numbers."""
    with pytest.raises(SpiceBridgeError, match=r"\(title = a\) and \(title = b\) are the same case"):
        written(tmp_path, HEAD + '[sweep]\ntitle = ["a", "b"]\n')


def test_product_and_zip(tmp_path):
    text = HEAD + (
        "[sweep]\ndevice.r_off = [400, 500]\n[[zip]]\nstop = [1, 2, 3]\ndrive.level = [4, 5, 6]\n"
        '[[zip]]\nengine = ["ngspice"]\nstep = [0.1]\n'
    )
    campaign = written(tmp_path, text)
    assert campaign.keys == ("device.r_off", "stop", "drive.level", "engine", "step")
    assert len(campaign) == len(campaign.points) == 6
    seen = [tuple(point.coordinates.values()) for point in campaign.points]
    assert seen == [(r, s, s + 3, "ngspice", 0.1) for r in (400, 500) for s in (1, 2, 3)]
    last = campaign.points[-1]
    assert (last.case["device"]["r_off"], last.case["stop"], last.case["drive"]["level"]) == (500, 3, 6)
    assert last.run == {"engine": "ngspice", "step": 0.1}
    assert campaign.base.data["stop"] == 1


def test_ranges(tmp_path):
    def values(text):
        return [point.coordinates["stop"] for point in written(tmp_path, HEAD + f"[sweep]\nstop = {text}\n").points]

    assert values("{from = 1, to = 7, step = 2}") == [1, 3, 5, 7]
    assert all(isinstance(value, int) for value in values("{from = 1, to = 7, step = 2}"))
    assert values("{from = 7, to = 1, step = -3}") == [7, 4, 1]
    assert values("{from = 0.1, to = 0.3, step = 0.1}") == [0.1, 0.2, 0.3]
    np.testing.assert_allclose(values("{from = 1, to = 2, count = 5}"), np.linspace(1, 2, 5), rtol=1e-12)
    found = values('{from = "1m", to = 10, count = 9, spacing = "log"}')
    np.testing.assert_allclose(found, np.geomspace(1e-3, 10, 9), rtol=1e-11)
    assert values("{from = 3, to = 3, count = 1}") == [3]


def test_a_refined_range_keeps_its_points(tmp_path):
    """Half the spacing: every old point is among the new ones, with the same key."""
    for spacing in ("linear", "log"):
        text = HEAD + f'[sweep]\nstop = {{from = 0.1, to = 0.7, count = %d, spacing = "{spacing}"}}\n'
        coarse, fine = (written(tmp_path, text % count) for count in (7, 13))
        assert {point.key for point in coarse.points} < {point.key for point in fine.points}


RANDOM = '[random]\nseed = 5\nkeys = ["network.initial_state.seed"]\n'


def seeds(campaign, *names):
    return {
        tuple(point.coordinates[name] for name in names): point.case["network"]["initial_state"]["seed"]
        for point in campaign.points
    }


def test_seeds_belong_to_the_point(tmp_path):
    """Not to its place in the order, nor to how many others there are, nor to how it is run."""
    text = HEAD + "[sweep]\ndevice.r_off = [400, 500]\nstop = [1, 2]\n" + RANDOM
    first = written(tmp_path, text)
    found = seeds(first, "device.r_off", "stop")
    assert len(set(found.values())) == 4
    longer = written(tmp_path, text.replace("[400, 500]", "[300, 500, 400, 700]"))
    assert found.items() <= seeds(longer, "device.r_off", "stop").items()
    swapped = written(tmp_path, HEAD + "[sweep]\nstop = [2.0, 1]\ndevice.r_off = [500, 400]\n" + RANDOM)
    assert found == seeds(swapped, "device.r_off", "stop")
    assert {p.key for p in first.points} == {p.key for p in swapped.points}
    engines = written(tmp_path, text.replace("[random]", 'form = ["fast", "readable"]\n[random]'))
    for form in ("fast", "readable"):
        assert found == {k[:2]: s for k, s in seeds(engines, "device.r_off", "stop", "form").items() if k[2] == form}
    other = written(tmp_path, text.replace("seed = 5", "seed = 6"))
    assert not set(seeds(other, "device.r_off", "stop").values()) & set(found.values())


def test_the_same_draws_along_an_axis(tmp_path):
    text = HEAD + "[sweep]\ndevice.r_off = [400, 500]\n" + RANDOM + "repeats = 3\n"
    free = seeds(written(tmp_path, text), "device.r_off", "repeat")
    assert len(set(free.values())) == 6
    paired = seeds(written(tmp_path, text + 'same_along = ["device.r_off"]\n'), "device.r_off", "repeat")
    assert len(set(paired.values())) == 3
    assert all(paired[400, k] == paired[500, k] for k in range(3))
    text = HEAD + "[[zip]]\nstop = [1, 2]\ndevice.r_off = [400, 500]\n" + RANDOM
    together = seeds(written(tmp_path, text + 'same_along = ["stop"]\n'), "stop")
    assert together[1,] == together[2,]


def test_seed_and_key_are_what_the_documentation_says(tmp_path):
    """Computed by hand; a change here would run every campaign that anybody has stored again."""
    (point,) = written(tmp_path, HEAD + "[sweep]\nstop = [1]\n" + RANDOM).points
    text = '[5,"network.initial_state.seed",{"stop":1}]'
    seed = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
    assert point.case["network"]["initial_state"]["seed"] == seed
    text = (
        '{"case":{"device":{"alpha":0.1,"beta":1,"law":"caravelli2017","r_off":1000,"r_on":100},'
        '"drive":{"kind":"dc","level":0.1},'
        f'"network":{{"edges":[["a","b"],["b","a"]],"initial_state":{{"random":[0.3,0.5],"seed":{seed}}}}},"stop":1}},'
        '"files":{},"record":[],"run":{}}'
    )
    assert point.key == hashlib.sha256(text.encode()).hexdigest()[:20]


def test_the_key_is_about_the_case_and_not_its_words(tmp_path):
    (tmp_path / "wave.csv").write_text("0,0\n1,1\n")
    case = CASE.replace('kind = "dc"\nlevel = 0.1', 'kind = "csv"\nfile = "wave.csv"')
    text = HEAD + "[sweep]\nstop = [1]\n"
    key = written(tmp_path, text, case).points[0].key
    assert written(tmp_path, 'title = "Other"\n' + text, case.replace("Two in", "Both in")).points[0].key == key
    assert written(tmp_path, text.replace("[1]", "[1.0]"), case).points[0].key == key
    assert written(tmp_path, text + "[run]\ntimeout = 5\n", case).points[0].key == key
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "wave.csv").write_text("0,0\n1,1\n")
    assert written(moved, text, case).points[0].key == key
    changed = {
        written(tmp_path, text, case.replace("alpha = 0.1", "alpha = 0.2")).points[0].key,
        written(tmp_path, text + "[run]\nstep = 0.1\n", case).points[0].key,
        written(tmp_path, 'record = ["final_state"]\n' + text, case).points[0].key,
    }
    (tmp_path / "wave.csv").write_text("0,0\n1,2\n")
    changed.add(written(tmp_path, text, case).points[0].key)
    assert len(changed | {key}) == 5


def test_an_inline_case_and_a_case_file_are_one(tmp_path):
    lines = CASE.replace("[network]", "[case.network]").replace("[device]", "[case.device]")
    inline = "[case]\n" + lines.replace("[drive]", "[case.drive]") + "\n[sweep]\nstop = [1, 2]\n"
    apart = written(tmp_path, HEAD + "[sweep]\nstop = [1, 2]\n")
    assert [p.key for p in written(tmp_path, inline).points] == [p.key for p in apart.points]
    with pytest.raises(SpiceBridgeError, match=r"x\.campaign\.toml:13: case\.device\.r_off: .*exceed"):
        written(tmp_path, inline.replace("r_off = 1000", "r_off = 10"))
    assert written(tmp_path, inline.replace('title = "Two in a loop"\nlearn = "Nothing but speed."\n', "")).title == "x"


def test_too_many_points_are_refused(tmp_path):
    wide = "{from = 1, to = 9, count = 2000}"
    with pytest.raises(SpiceBridgeError, match="4000000 points"):
        written(tmp_path, HEAD + f"[sweep]\nstop = {wide}\ndrive.level = {wide}\n")


parts = st.from_regex(r"[a-z_][a-z0-9_-]{0,5}", fullmatch=True)
paths = st.tuples(parts, st.lists(st.one_of(parts, st.integers(0, 3)), max_size=4)).map(lambda p: (p[0], *p[1]))


@given(paths)
def test_dotted_keys_read_back(path):
    assert parse_key(format_key(path)) == path


@given(paths.filter(lambda path: all(isinstance(part, str) for part in path)), st.integers())
def test_a_value_lands_where_its_key_says(path, value):
    before = {"kept": {"x": 1}}
    after = with_value(before, ("kept", *path), value) if path[0] != "x" else with_value(before, path, value)
    assert before == {"kept": {"x": 1}}
    found = after
    for part in ("kept", *path) if path[0] != "x" else path:
        found = found[part]
    assert found == value


@given(st.one_of(st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False)))
def test_equal_numbers_have_one_text(value):
    assert canonical(value) == canonical(float(value))
    assert canonical(value) != canonical(math.nextafter(float(value), math.inf)) or abs(value) < 1e-300
