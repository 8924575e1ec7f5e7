"""The ngspice door: real runs against closed forms, real failures, and fake simulators that lie."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from spicebridge.circuit.engines import Job, RunRecord, Status, engine_names, get_engine, probe
from spicebridge.circuit.engines.completeness import JudgedSamples, start_kept
from spicebridge.circuit.engines.deckguard import saved_names
from spicebridge.circuit.engines.ngspice import NgspiceProcess, recovered
from spicebridge.errors import (
    DeckError,
    SpiceBridgeError,
    UnsafeDeck,
)

FAKES = Path(__file__).parent.parent / "fake_bin"
TAU = STOP = 1e-3
OPTIONS = ".options method=trap reltol=1e-9 vntol=1e-12 abstol=1e-15 trtol=1e9"
VECTORS = ("v(out)", "i(v1)")


def rc_deck(extra="", step=1e-5, stop=STOP):
    """A capacitor that charges with TAU from 0 to 1 V: v = 1 - exp(-t/TAU)."""
    return f"""rc
V1 in 0 1
R1 in out 1k
C1 out 0 1u
.ic v(out)=0
.save v(out) i(v1)
{OPTIONS}
.tran {step!r} {stop!r} 0 {step!r}
{extra}
.end
"""


RC_DECK = rc_deck()


def run(text, vectors=VECTORS, stop=STOP, **job):
    return NgspiceProcess().run(Job(text=text, vectors=vectors, stop=stop, **job))


# Real runs that succeed


def test_capacitor_follows_the_exponential_with_order_two():
    steps = np.array([4e-5, 2e-5, 1e-5, 5e-6])
    errors = []
    for step in steps:
        record = run(rc_deck(step=float(step)))
        assert record.complete, record.reason
        assert record.time[0] == 0.0
        assert record.data.shape == (record.time.size, 2)
        exact = 1.0 - np.exp(-record.time / TAU)
        errors.append(np.abs(record.vector("v(out)") - exact).max())
        np.testing.assert_allclose(record.vector("i(v1)"), -(1.0 - record.vector("v(out)")) / 1e3, atol=1e-12)
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert abs(order - 2.0) < 0.2
    assert errors[-1] < 1e-6


def test_columns_come_in_the_order_asked_for():
    forward, backward = run(RC_DECK), run(RC_DECK, VECTORS[::-1])
    assert np.array_equal(forward.data, backward.data[:, ::-1])
    assert np.array_equal(backward.vector("V(OUT)"), forward.data[:, 0])
    assert backward.vector("time") is backward.time
    with pytest.raises(SpiceBridgeError, match=r"'v\(oot\)' \(did you mean 'v\(out\)'\?\)"):
        forward.vector("v(oot)")
    with pytest.raises(ValueError, match="read-only"):
        forward.data[0, 0] = 1.0


def test_equal_decks_give_equal_bits():
    first, second = run(RC_DECK), run(RC_DECK)
    assert first.time.tobytes() == second.time.tobytes()
    assert first.data.tobytes() == second.data.tobytes()


def test_the_record_keeps_the_evidence():
    record = run(RC_DECK)
    assert (record.engine, record.version) == ("ngspice", NgspiceProcess().version())
    assert record.exit_code == 0
    assert record.text == RC_DECK
    assert "No. of Data Rows" in record.log
    assert record.wall_time > 0.0


def test_start_up_files_and_environment_of_the_user_do_not_count(tmp_path, monkeypatch):
    expected = run(RC_DECK)
    (tmp_path / ".spiceinit").write_text("set filetype=ascii\nset ngbehavior=ltpsa\n")
    (tmp_path / "deck.cir").write_text(RC_DECK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    # The stray file does have an effect where nobody keeps it out.
    subprocess.run(
        [str(NgspiceProcess().path()), "-b", "-r", "stray.raw", "deck.cir"],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert b"Values:" in (tmp_path / "stray.raw").read_bytes()
    monkeypatch.setenv("SPICE_ASCIIRAWFILE", "1")
    found = run(RC_DECK)
    assert found.complete, found.reason
    assert found.data.tobytes() == expected.data.tobytes()


def test_large_output_outlives_its_directory(private_tmp, monkeypatch):
    monkeypatch.setattr("spicebridge.tables.raw_file.MMAP_THRESHOLD", 1)
    record = run(RC_DECK)
    assert list(private_tmp.iterdir()) == []
    assert np.abs(record.data[:, 0] - (1 - np.exp(-record.time / TAU))).max() < 1e-5


@pytest.mark.parametrize(
    "text",
    [
        # two edges in a loop, one of them active: singular at w = 0, regular at the given states
        """active loop
V1 m1 a 0.05
R1 m1 0 R='1*(100+900*V(w1))'
F1 0 w1 V1 100
C1 w1 0 1
.ic v(w1)=0.31
V2 m2 a 0.02
R2 m2 0 R='-1*(100+900*V(w2))'
F2 0 w2 V2 100
C2 w2 0 1
.ic v(w2)=0.61
.save v(w1) v(w2)
.tran 0.01 1 0 0.01
.end
""",
        # hard bounds by switches
        """switches
VH one 0 1
.model SHI sw(vt=1 vh=0 ron=1e-12 roff=1e12)
.model SLO sw(vt=0 vh=0 ron=1e-12 roff=1e12)
I1 0 w1 2
C1 w1 0 1
SH1 w1 one w1 0 SHI
SL1 w1 0 0 w1 SLO
C2 w2 0 1
I2 w2 0 3
SH2 w2 one w2 0 SHI
SL2 w2 0 0 w2 SLO
.ic v(w1)=0.5 v(w2)=0.5
.save v(w1) v(w2)
.options trtol=1e9
.tran 0.01 1 0 0.01
.end
""",
    ],
)
def test_circuits_of_the_trade_pass(text):
    record = run(text, ("v(w1)", "v(w2)"), 1.0)
    assert record.complete, record.reason
    assert np.all(record.data > -1e-6)
    assert np.all(record.data < 1 + 1e-6)


# Real failures: what happened, the deck, and what it has to be called

DIVERGING = "d\nC1 a 0 1\nB1 0 a I=v(a)*v(a)\n.ic v(a)=1\n.save v(a)\n.tran 1m 2 0 1m\n.end\n"
SINGULAR = "s\nV1 a 0 1\nV2 a 0 2\n.save v(a)\n.tran 10u 1m\n.end\n"
FLOATING = "f\nV1 a b 1\nR1 a b 1k\n.save v(a)\n.tran 10u 1m\n.end\n"

FAILURES = {
    "singular matrix": (SINGULAR, Status.NUMERICAL_FAILURE),
    "no ground": (FLOATING, Status.NUMERICAL_FAILURE),
    "step too small": (DIVERGING, Status.NUMERICAL_FAILURE),
    "floating part loses the initial state": (rc_deck("C9 q r 1u"), Status.NUMERICAL_FAILURE),
    "log of a negative number": (rc_deck("B9 q 0 V=log(-V(in))\nR9 q 0 1"), Status.NUMERICAL_FAILURE),
    "undefined model": (rc_deck("D1 out 0 NOMODEL"), Status.REJECTED),
    "undefined subcircuit": (rc_deck("X1 out 0 NOSUB"), Status.REJECTED),
    "undefined parameter": (rc_deck("R9 out 0 {nope}"), Status.REJECTED),
    "undefined function": (rc_deck("B9 out 0 I=foo(V(out))"), Status.REJECTED),
    "undefined controlling source": (rc_deck("F9 out 0 VNONE 1"), Status.REJECTED),
    "syntax": (rc_deck("B9 out 0 I=V(out)*(1+"), Status.REJECTED),
    "duplicate name": (rc_deck("R1 out 0 1k"), Status.REJECTED),
    "missing include": (rc_deck(".include nothing.inc"), Status.REJECTED),
    "missing library": (rc_deck(".lib nothing.lib tt"), Status.REJECTED),
    "unknown card": (rc_deck(".frobnicate 1"), Status.REJECTED),
    "unknown model parameter": (rc_deck(".model s1 sw(vt=1 frob=2)\nS1 out 0 in 0 s1"), Status.REJECTED),
    "unknown option": (rc_deck(".options frobnicate=3"), Status.REJECTED),
    "option of the wrong type": (rc_deck(".options reltol=abc"), Status.REJECTED),
    "unknown method": (rc_deck(".options method=frob"), Status.REJECTED),
    "corrupting option": (rc_deck(".options reltol=1e-9 interp"), Status.REJECTED),
    "constant division by zero": (rc_deck("B9 q 0 V=0/0\nR9 q 0 1"), Status.REJECTED),
    "ignored IC=": (
        "ic\nC1 out 0 1u IC=1\nR1 out 0 1k\n.save v(out)\n.tran 1u 1m 0 1u\n.end\n",
        Status.REJECTED,
    ),
    "initial state on no node": (rc_deck(".ic v(nonode)=3"), Status.REJECTED),
    "missing value of R": (rc_deck("R9 in out"), Status.REJECTED),
    "missing value of C": (rc_deck("C9 in out"), Status.REJECTED),
    "missing value of V": (rc_deck("V9 q 0\nR9 q 0 1"), Status.REJECTED),
    "zero resistance": (rc_deck("R9 in out 0"), Status.REJECTED),
    "strange first letter": (rc_deck("?R9 out 0 1k"), Status.REJECTED),
    "line that ends the deck": (rc_deck("@R9 out 0 1k"), Status.REJECTED),
    "title that overflows a buffer": ("t" * 510 + RC_DECK[2:], Status.REJECTED),
    "source that turns into a code model": (rc_deck("G9 out 0 in 0 1e-9 77"), Status.REJECTED),
    "time zero value overridden": (rc_deck("V9 q 0 DC 0 SIN(0.5 1 1k)\nR9 q 0 1"), Status.REJECTED),
    "two analyses": (rc_deck(".tran 10u 2m 0 10u"), Status.REJECTED),
    "another analysis": (rc_deck(".op"), Status.REJECTED),
    "unknown name in .save": (rc_deck(".save v(nowhere)"), Status.MISSING_VECTORS),
    "unknown current in .save": (rc_deck(".save i(vnope)"), Status.MISSING_VECTORS),
    "no analysis": (RC_DECK.replace(".tran", "*"), Status.NO_OUTPUT),
    "uic without a row at zero": (RC_DECK.replace("1e-05\n\n", "1e-05 uic\n\n"), Status.TRUNCATED),
    "shorter than asked": (rc_deck(stop=0.9e-3), Status.TRUNCATED),
    "late start": (RC_DECK.replace("0.001 0 1e-05", "0.001 0.0005 1e-05"), Status.TRUNCATED),
    "overflow": (
        rc_deck("E1 a 0 in 0 1e200\nE2 out2 0 a 0 1e200\nR8 a 0 1\nR9 out2 0 1").replace("v(out)", "v(out2)"),
        Status.NON_FINITE,
    ),
    "measurement that is dropped": (rc_deck(".measure tran x find v(out) at=1m"), Status.LOG_ERROR),
}


@pytest.mark.parametrize("name", FAILURES)
def test_no_real_failure_is_taken_for_success(name, private_tmp):
    text, status = FAILURES[name]
    vectors = saved_names(text.lower())[:1]
    record = run(text, vectors, 2.0 if text is DIVERGING else STOP)
    assert record.status is status, record.reason
    assert not record.complete
    assert len(record.reason) > 20
    assert record.data.shape == (record.time.size, 1)
    assert list(private_tmp.iterdir()) == []


def test_a_singular_matrix_is_explained():
    assert "ground one node" in run(SINGULAR, ("v(a)",)).reason


RECOVERED = (
    "cubic\nV1 in 0 SIN(0 1 1)\nR1 in 0 1k\nB1 z 0 I=V(z)*V(z)*V(z)-1\nC1 w 0 1\nG1 0 w z 0 1\n"
    ".ic v(w)=0.25\n.save v(z) v(w)\n.tran 1m 1 0 1m\n.end\n"
)
"""v(z) = 1 is regular, and the first guess v(z) = 0 is not: ngspice finds it by stepping gmin."""


def test_a_singular_matrix_that_is_overcome_is_a_note():
    record = run(RECOVERED, ("v(z)", "v(w)"), 1.0)
    assert record.status is Status.COMPLETE
    assert "singular matrix" in record.reason
    assert "by stepping" in record.reason
    np.testing.assert_allclose(record.vector("v(z)"), 1.0, atol=1e-6)
    np.testing.assert_allclose(record.vector("v(w)"), 0.25 + record.time, atol=1e-6)


def test_an_operating_point_that_lost_the_initial_state_is_none():
    samples = JudgedSamples(Status.COMPLETE, "", np.array([0.0]), np.array([[1.0, 0.0]]))
    job = Job(text=RECOVERED, vectors=("v(z)", "v(w)"), stop=1.0)
    lost = start_kept(samples, job, "note")
    assert lost.status is Status.NUMERICAL_FAILURE
    assert "v(w) = 0 where .ic gives 0.25" in lost.reason


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("Warning: singular matrix:  check node z\nNote: Source stepping completed\n", True),
        ("Note: Dynamic gmin stepping completed\nWarning: singular matrix:  check node z\n", False),
        (
            "Warning: singular matrix:  check node z\nNote: Source stepping completed\nNote: Transient op started\n",
            False,
        ),
    ],
)
def test_what_counts_as_overcome(lines, found):
    assert recovered(lines) is found


def test_a_failure_keeps_the_rows_it_left():
    record = run(DIVERGING, ("v(a)",), 2.0)
    exact = 1.0 / (1.0 - record.time)
    early = record.time < 0.5
    assert early.sum() > 100
    np.testing.assert_allclose(record.vector("v(a)")[early], exact[early], rtol=1e-3)
    assert record.exit_code == 1
    assert "Timestep too small" in record.reason


@pytest.mark.parametrize(
    "line",
    [
        ".control\nrun\nquit\n.endc",
        "  .CONTROL\n.endc",
        ".end\n.control\nshell touch x\n.endc",
        ".exec echo x",
        "shell echo x",
        "*# shell touch x",
        "*ng_script",
        ".title *ng_script",
        ".include /etc/hostname",
        '.INCLUDE "/etc/hostname"',
        ".inc ../x",
        ".include models/../../x",
        ".include\n+ /etc/hostname",
        ".lib '/x.lib' tt",
        ".lib ~/x.lib tt",
        ".include $HOME/x",
        ".include C:\\x",
        '.model fs filesource (file="/etc/hostname")',
    ],
)
def test_decks_with_commands_or_foreign_files_are_refused_unrun(line, private_tmp):
    number = RC_DECK[: RC_DECK.index("\n\n.end")].count("\n") + 2
    with pytest.raises(UnsafeDeck, match=rf"deck line {number + line.startswith('.end' + chr(10))}:"):
        NgspiceProcess("/no/such/program").run(Job(text=rc_deck(line), vectors=VECTORS, stop=STOP))


@pytest.mark.parametrize("line", [".include cells.inc", "* .control", "S1 out 0 in 0 sx\n.model sx sw", "* file=/x"])
def test_harmless_lines_are_not_refused(line):
    run(rc_deck(line))


def test_saved_names_are_those_of_the_raw_file():
    deck = "t\n.save V(A) b v1#branch\n+ i(v2) all @r1[i] time v(a,b)\n.save v(a)\n"
    assert saved_names(deck) == ("v(a)", "v(b)", "i(v1)", "i(v2)")


# Jobs, registry, probe


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": " \n"}, "empty deck"),
        ({"text": "\ud800"}, "UTF-8"),
        ({"vectors": ()}, "no vectors"),
        ({"vectors": "v(out)"}, "tuple of names"),
        ({"vectors": ("V(out)",)}, "lower case"),
        ({"vectors": ("time",)}, "comes by itself"),
        ({"vectors": ("v(a)", "v(a)")}, "asked for twice"),
        ({"stop": 0.0}, "job stop is 0.0"),
        ({"stop": float("inf")}, "job stop is inf"),
        ({"timeout": -1.0}, "job timeout is -1.0"),
    ],
)
def test_impossible_jobs_are_refused(change, words):
    with pytest.raises(DeckError, match=words):
        Job(**{"text": RC_DECK, "vectors": VECTORS, "stop": STOP} | change)


def test_a_record_has_matching_arrays():
    with pytest.raises(SpiceBridgeError, match="3 time points"):
        RunRecord(
            engine="e",
            version="1",
            status=Status.COMPLETE,
            reason="",
            exit_code=0,
            log="",
            text="",
            wall_time=0.0,
            time=np.zeros(3),
            data=np.zeros((2, 1)),
            vectors=("v(a)",),
        )


def test_only_complete_is_success():
    for status in Status:
        record = RunRecord(
            engine="e",
            version="1",
            status=status,
            reason="",
            exit_code=0,
            log="",
            text="",
            wall_time=0.0,
            time=np.zeros(0),
            data=np.zeros((0, 1)),
            vectors=("v(a)",),
        )
        assert record.complete is (status is Status.COMPLETE)


def test_unknown_engines_name_the_nearest():
    assert "ngspice" in engine_names()
    assert get_engine("ngspice").name == "ngspice"
    with pytest.raises(SpiceBridgeError, match=r"'ngspise' \(did you mean 'ngspice'\?\)"):
        get_engine("ngspise")


def test_capabilities_are_measured_once_per_program(monkeypatch):
    engine = get_engine("ngspice")
    found = engine.capabilities()
    assert found["version"] == engine.version()
    assert found["pwr_of_negative"] == "signed"
    assert found["ic_without_uic"] == "honoured"
    assert found["first_row"] == "t=0"
    assert found["diverging_status"] == "numerical_failure"
    assert all(isinstance(value, str) for value in found.values())
    monkeypatch.setattr(NgspiceProcess, "run", None)
    assert get_engine("ngspice").capabilities() is found
    assert probe.remembered(engine) is found


MEASURED = {
    "39": {
        "version": "39",
        "caret_of_negative": "absolute",
        "double_star_of_negative": "absolute",
        "pow_of_negative": "absolute",
        "pwr_of_negative": "signed",
        "u_of_zero": "0.5",
        "zero_over_zero": "0",
        "brace_expansion": "textual",
        "first_row": "t=0",
        "first_row_uic": "t=step*0.001",
        "ic_without_uic": "honoured",
        "klu": "no",
        "diverging_status": "numerical_failure",
        "diverging_exit": "1",
    }
}


def test_capabilities_are_those_measured_by_hand():
    found = get_engine("ngspice").capabilities()
    assert set(found) == set(MEASURED["39"])
    # A version not in the table stands for itself: its words are then compared with themselves.
    assert dict(found) == MEASURED.get(found["version"], dict(found))


def test_the_record_carries_what_was_measured():
    engine = get_engine("ngspice")
    found = engine.capabilities()
    assert engine.run(Job(text=RC_DECK, vectors=VECTORS, stop=STOP)).fingerprint == found
