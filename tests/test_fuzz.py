"""The hunt: it finds the traps that are known and the bugs that are planted, and says the same twice."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import spicebridge as sb
from spicebridge.circuit.engines import Job, RunRecord, get_engine
from spicebridge.circuit.engines.ngspice import NgspiceProcess
from spicebridge.cli import main
from spicebridge.errors import SimulatorDied, SpiceBridgeError
from spicebridge.expressions.evaluate import Environment
from spicebridge.expressions.tree import Binary, Call, NodeVoltage, Number, Parameter, Power
from spicebridge.fuzz import hunt, trees
from spicebridge.fuzz.expressions import Expressions
from spicebridge.fuzz.hunt import _Hunt
from spicebridge.fuzz.networks import KINDS, random_circuit
from spicebridge.fuzz.random_sources import FirstRow, FuzzedSource, wave_value
from spicebridge.fuzz.specimen import WrongValue
from spicebridge.fuzz.spelling import PlainSpelling

BRACE, POWER, UIC = "a brace expands without parentheses", "a power of a negative base", "the first row under uic"
CIRCUITS = 100


@pytest.fixture(scope="module")
def found():
    return hunt(get_engine("ngspice"), circuits=CIRCUITS, seed=0)


def test_ngspice_has_three_traps_and_our_texts_none(found):
    assert found.defects == ()
    assert [f.cause for f in found.traps] == [BRACE, POWER, UIC]
    assert found.done == found.wanted == CIRCUITS


def test_it_is_fast_enough_for_three_thousand_an_hour(found):
    assert 3600.0 * found.done / found.seconds > 3000


def test_every_deck_is_short_and_shows_what_its_title_says(found):
    for finding in found.findings:
        lines = finding.deck.splitlines()
        assert len(lines) <= 10, finding.deck
        assert lines[0] == f"* {finding.sentence}"
        if finding.cause == UIC:
            continue
        signal, value, right = re.match(r"\* (\S+) = (\S+) at .* right is (\S+)", lines[0]).groups()
        record = get_engine("ngspice").run(Job(text=finding.deck, vectors=(signal,), stop=1.0))
        assert record.vector(signal)[-1] == pytest.approx(float(value), rel=1e-8)
        assert record.vector(signal)[-1] != pytest.approx(float(right), rel=1e-3)


def test_a_second_hunt_with_the_same_seed_gives_the_same(found):
    again = hunt(get_engine("ngspice"), circuits=CIRCUITS, seed=0)
    assert replace(again, seconds=0.0) == replace(found, seconds=0.0)


def plain(tree, **inputs):
    values = tuple((n, inputs.get(n, 1.0)) for n in "xyz")
    return Expressions(
        dialect="ngspice", trees=(tree,), inputs=values, parameters=(("a", 1.0), ("b", 3.0)), plain=PlainSpelling()
    )


def findings_of(engine, *specimens):
    state = _Hunt(engine, 0)
    for k, specimen in enumerate(specimens):
        state.count(k, specimen, state.check(specimen))
    return {f.cause: f for f in state.findings}


def test_the_traps_of_neospice_are_found():
    """u(0) is 1 there, and of the row at t = 0 only what .ic sets is right: the door mends that, the hunt does not."""
    found = findings_of(
        get_engine("neospice"),
        plain(Call("u", (NodeVoltage("x"),)) * Number(3.0), x=0.0),
        FirstRow(dialect="ngspice", start=0.5, gain=-3.0, uic=True),
        FirstRow(dialect="ngspice", start=0.5, gain=-3.0, uic=False),
    )
    assert list(found) == ["u(0)", UIC, "at t = 0 only signals of .ic are right"]
    assert found["u(0)"].sentence.endswith("right is 0.5")
    mended = get_engine("neospice").run(
        Job(text=FirstRow(dialect="ngspice", start=0.5, gain=-3.0, uic=False).deck("t"), vectors=("v(b)",), stop=1.0)
    )
    assert mended.vector("v(b)")[0] == pytest.approx(-1.5, abs=1e-7)


def test_whole_numbers_of_verilog_a_are_found():
    tree = Binary("*", NodeVoltage("x"), Binary("+", Number(2.0), Binary("/", Number(1.0), Number(2.0))))
    specimen = Expressions(
        dialect="vacask",
        trees=(tree,),
        inputs=(("x", 2.0), ("y", 1.0), ("z", 1.0)),
        parameters=(),
        plain=PlainSpelling(power="pow", braces=False),
    )
    assert list(findings_of(get_engine("vacask"), specimen)) == ["whole numbers divide as integers"]


# Bugs planted in the text that the simulator gets


class Planted:
    """ngspice behind a wrong text."""

    dialect = "ngspice"
    name = "planted"

    def __init__(self, pattern, by):
        self.pattern, self.by, self.inner = pattern, by, get_engine("ngspice")

    def version(self):
        return self.inner.version()

    def run(self, job: Job) -> RunRecord:
        return self.inner.run(replace(job, text=re.sub(self.pattern, self.by, job.text, flags=re.MULTILINE)))


@pytest.mark.parametrize(
    ("pattern", "by", "kind", "lines"),
    [
        (r"pwr\(", "pow(", "expression", 10),
        (r"(?<![\w)])u\(", "uramp(", "expression", 10),
        (r"^(GW\d+ 0 \S+ \S+ 0) -", r"\1 ", "flux", 10),
        (r"^(GE\d+ .*)$", r"\g<1>1", "frozen", 20),
        (r"SIN\((\S+ \S+ \S+) \S+ \S+ \S+\)", r"SIN(\1 0 0 0)", "source", 10),
    ],
)
def test_planted_bugs_are_found_and_shrink(pattern, by, kind, lines):
    """Two edges of a network, which a wrong coupling needs, are twenty lines."""
    found = [f for f in hunt(Planted(pattern, by), circuits=60, seed=8).defects if f.kind == kind]
    assert found
    assert all("right is" in f.deck.splitlines()[0] for f in found)
    shortest = min((f.deck for f in found), key=lambda deck: deck.count("\n"))
    assert shortest.count("\n") <= lines, shortest


# The exact answers themselves


@pytest.mark.parametrize("seed", range(8))
def test_exact_answers_are_those_of_the_theory(seed):
    """Another derivation: the network equation, integrated."""
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, "ngspice", ("fast",))
    assert circuit.what in KINDS
    theory = sb.integrate(circuit.network(), np.linspace(0.0, circuit.stop, 21))
    for name, (value, right) in circuit._answer(theory).items():
        np.testing.assert_allclose(value, right, rtol=1e-6, atol=1e-8, err_msg=f"{circuit.what} {name}")


def test_waveforms_are_those_of_the_drives():
    from spicebridge.circuit.deck import elements as ir

    t = np.linspace(0.0, 1.0, 301)
    sine = sb.Sine(amplitude=2.0, frequency=3.0, offset=0.5, phase=np.radians(30.0), delay=0.2)
    np.testing.assert_allclose(
        wave_value(ir.SinWave(offset=0.5, amplitude=2.0, frequency=3.0, delay=0.2, damping=0.0, phase=30.0), t),
        sine.value(t),
        atol=1e-12,
    )
    pulse = ir.PulseWave(initial=0.0, pulsed=1.0, delay=0.1, rise=0.02, fall=0.05, width=0.1, period=0.4)
    drive = sb.Pulse(0.0, 1.0, delay=0.1, rise=0.02, fall=0.05, width=0.1, period=0.4)
    np.testing.assert_allclose(wave_value(pulse, t), drive.value(t), atol=1e-9)
    assert (
        FuzzedSource(
            "ngspice", ir.ExpWave(initial=1.0, pulsed=-1.0, rise_delay=0.0, rise_tau=0.1, fall_delay=0.2, fall_tau=0.3)
        ).check(_run_ngspice)
        is None
    )


def _run_ngspice(text, vectors, stop):
    return get_engine("ngspice").run(Job(text=text, vectors=vectors, stop=stop))


@pytest.mark.parametrize(
    "tree",
    [
        Binary("<", NodeVoltage("x"), Number(-0.5)),
        Call("floor", (NodeVoltage("y"),)),
        Power(NodeVoltage("z"), Number(-1.0)),
        Call("atan2", (NodeVoltage("z"), NodeVoltage("x"))),
        Binary("-", NodeVoltage("y"), Number(2.0 + 1e-5)),
    ],
    ids=str,
)
def test_what_rounding_decides_is_not_asked(tree):
    env = Environment({"x": -0.5, "y": 2.0, "z": 0.0}, {}, {})
    assert trees.determined(tree, env) is None


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (NodeVoltage("x") * (Parameter("a") - Parameter("b")), "V(x)*{a-b}"),
        (-(NodeVoltage("x") ** 2), "-V(x)^2"),
        (Power(-NodeVoltage("x"), Number(3.0)), "(-V(x))^3"),
        (NodeVoltage("x") - (NodeVoltage("y") - 1.0), "V(x)-(V(y)-1)"),
        (Power(Number(-2.0), Number(3.0)), "(-2)^3"),
    ],
)
def test_spelling_is_what_people_type(tree, text):
    assert PlainSpelling().text(tree) == text


def test_a_difference_says_where():
    said = str(WrongValue("v(b0)", 0.5, 1.0, -1.0))
    assert said == "v(b0) = 1 at t = 0.5 s, right is -1"


# The command


def test_the_command(tmp_path, capsys):
    out = tmp_path / "decks"
    assert main(["fuzz", "--circuits", "40", "--seed", "0", "--quiet", "--json", "--out", str(out)]) == 0
    first = capsys.readouterr().out
    facts = json.loads(first)
    assert {f["cause"] for f in facts["findings"]} <= {BRACE, POWER, UIC}
    assert len(list(out.iterdir())) == len(facts["findings"]) > 0
    assert main(["fuzz", "--circuits", "40", "--seed", "0", "--quiet", "--json"]) == 0
    assert capsys.readouterr().out == first
    assert main(["fuzz", "--minutes", "0.2", "--quiet"]) == 0
    assert "12 circuits of seed 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words", [["--circuits", "0"], ["--minutes", "-1"], ["--seed", "-1"], ["--engine", "ngspise"], ["--circuits", "x"]]
)
def test_misuse_is_bad_input(words, capsys):
    try:
        code = main(["fuzz", "--quiet", *words])
    except SystemExit as end:
        code = end.code
    assert code == 2
    assert capsys.readouterr().err


def test_a_hunt_whose_simulator_dies_is_no_success(monkeypatch, capsys):
    def dies(self, job):
        raise SimulatorDied("gone", log="")

    monkeypatch.setattr(NgspiceProcess, "run", dies)
    assert main(["fuzz", "--circuits", "4", "--seed", "0", "--quiet"]) == 3
    assert "ours: died" in capsys.readouterr().out


def test_misuse_in_python():
    with pytest.raises(SpiceBridgeError, match="circuits = 0 must be positive"):
        hunt(get_engine("ngspice"), circuits=0)
