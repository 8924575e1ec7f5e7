"""What is checked: a law, a subcircuit, a Verilog-A module, with the drive that exercises them.

By name, every law of the library has a typical parameter set (``library``); its subcircuit and its twin are
those of ``models/``. A file gives any other:

FILE.toml   a law with its parameters. FILE.sub and FILE.va beside it are put on trial against the law; they
            have the pins and parameters of the library's own model::

                [device]                     # as in a case file
                law = "hp"
                r_on = 100
                r_off = "16k"
                k = 1e4
                window = "joglekar"
                [check]
                amplitude = 1.0              # V, sine
                frequency = 1.0              # Hz
                initial_state = 0.5

FILE.sub    a subcircuit of its own: two terminals first, the state in one capacitor to ground. FILE.va beside
            it is held against it. What only a law can answer is skipped, with that reason.
FILE.va     the same as the FILE.toml or FILE.sub beside it; alone, its equations as they are read (``laws.verilog``),
            and the module itself against them, point by point, or in every run where the simulator compiles it.
"""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

import spicebridge as sb
from spicebridge.circuit.circuit_run import Transform, run_lowered, usable
from spicebridge.circuit.deck.elements import Deck, Element, Subcircuit, Transient, VoltageSourceElement
from spicebridge.circuit.engines import get_engine
from spicebridge.circuit.lower.calls import subcircuit_call
from spicebridge.circuit.lower.drive_waves import waves as source_waves
from spicebridge.circuit.lower.law_modules import format_modules
from spicebridge.circuit.lower.lowered_network import ACCURATE, lower
from spicebridge.circuit.lower.models import model_twin
from spicebridge.drives import Drive
from spicebridge.errors import CaseError, DeckError, RunFailed, SpiceBridgeError, nearest
from spicebridge.laws import Device, Law, LawDevice
from spicebridge.laws.verilog import HiddenState
from spicebridge.modelcheck.component import StateSubcircuit, component, forced, read_component, run_deck
from spicebridge.modelcheck.typical_devices import examples, library
from spicebridge.network import Network
from spicebridge.waveforms import Waveforms

LAW_SUFFIX, TWIN_SUFFIX = ".toml", ".va"
CIRCUIT_SUFFIXES = (".sub", ".cir", ".ckt", ".lib", ".net", ".sp", ".spi", ".spice", ".subckt", ".txt")
KEYS = ("amplitude", "frequency", "initial_state")
SWING = 0.3
"""Part of the range of a state that a half wave should move it, where no frequency is given."""
AMPLITUDES = (1.0, 2.0, 4.0, 8.0, 16.0, 0.5, 0.25, 0.1)
"""V, tried in turn where none is given, until a state moves."""
DOUBLINGS = 8
"""Of the frequency, until a state that speeds up on its way stays in its range."""
PATIENCE = 30.0
"""Wall-clock limit of one run in s: a device on its own takes well below one."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """`device` is the Python law, scalar, or None; `component` its subcircuit, from a file of the user's where
    `own`; `twin` the Verilog-A file or None. `amplitude` in V and `frequency` in Hz are of the sine."""

    name: str
    device: Device | None
    amplitude: float
    frequency: float
    initial_state: float
    component: StateSubcircuit
    twin: Path | None
    own: bool = False
    given_range: tuple[float, float] | None = None
    text: str = field(default="", repr=False)
    twin_part: StateSubcircuit | None = field(default=None, repr=False)
    """Pins and parameters of the twin, where they are not those of the subcircuit."""
    problem: str = ""
    """Why nothing can be run: a hidden state, found by reading."""

    @property
    def period(self) -> float:
        """Of the sine, in s."""
        return 1.0 / self.frequency

    @property
    def kind(self) -> str:
        """The law, or that there is none."""
        return f"subcircuit {self.component.model.name}" if self.device is None else str(self.device.kind)

    @property
    def window(self) -> str:
        """The bound handling; a subcircuit has what it has inside."""
        return "its own" if self.device is None else str(self.device.window.name)

    @property
    def bounded(self) -> bool:
        """Whether a window is to hold the state in [0, 1]."""
        return self.device is not None and bool(self.device.window.bounded)

    @property
    def state_range(self) -> tuple[float, float]:
        """Where states are tried: as given, else [0, 1], or half to three halves of an initial state outside it."""
        if self.given_range is not None:
            return self.given_range
        if 0.0 <= self.initial_state <= 1.0 or self.device is not None:
            return 0.0, 1.0
        low, high = sorted((0.5 * self.initial_state, 1.5 * self.initial_state))
        return low, high

    @property
    def no_law(self) -> str:
        """Why a check that needs the law is skipped."""
        return "a subcircuit alone has no law to compare with; write its parameters into a .toml of the same name"

    @property
    def no_twin(self) -> str:
        """Why there is no Verilog-A module."""
        return "there is no Verilog-A file of the same name beside it"

    @property
    def transform(self) -> Transform | None:
        """Puts the user's subcircuit where the library's is."""
        if not self.own or self.device is None:
            return None
        name = subcircuit_call(self.device).name(0)
        model = replace(self.component.model, name=name)
        helpers = self.component.helpers
        return lambda deck: replace(deck, subcircuits=(model, *helpers))

    @property
    def form(self) -> str:
        """Of the circuit: the subcircuit itself where it is the user's."""
        return "readable" if self.own else "fast"

    def network(self, *, drive: Drive | None = None, initial_state: float | None = None) -> Network:
        """The device on its source: one edge whose drop is the source itself."""
        if self.device is None:
            raise SpiceBridgeError(f"{self.name}: {self.no_law}")
        wave = sb.Sine(self.amplitude, self.frequency) if drive is None else drive
        start = self.initial_state if initial_state is None else initial_state
        return Network.from_edges([("a", "a")], device=self.device, drive=wave, initial_state=start)

    def run(
        self, engine: str, *, stop: float, step: float, drive: Drive | None = None, initial_state: float | None = None
    ) -> Waveforms:
        """The circuit at the simulator's own points; raises `RunFailed`."""
        if self.device is not None:
            network, door = self.network(drive=drive, initial_state=initial_state), get_engine(engine)
            lowered = lower(network, stop, step, form=self.form)
            return usable(network, run_lowered(lowered, engine=door, timeout=PATIENCE, transform=self.transform))
        wave = sb.Sine(self.amplitude, self.frequency) if drive is None else drive
        start = self.initial_state if initial_state is None else initial_state
        copy, state = self.component.place(0, "p", "0", {})
        parts = source_waves(wave)
        nodes = ["p", *(f"series{k}" for k in range(1, len(parts))), "0"]
        sources: list[Element] = [
            VoltageSourceElement(f"Vdrive{k}", nodes[k], nodes[k + 1], part) for k, part in enumerate(parts)
        ]
        deck = Deck(
            title=f"check of {self.component.model.name}",
            elements=(*sources, *copy),
            subcircuits=self.component.subcircuits,
            initial_conditions=((state, float(start)),),
            options=ACCURATE,
            transient=Transient(step=step, stop=stop, max_step=step),
            save=("v(p)", "i(vdrive0)", f"v({state})"),
        )
        record = run_deck(deck, engine, PATIENCE)
        v, i, s = record.data.T
        time = np.minimum(record.time, stop)
        return Waveforms(time, s[:, None], -i[:, None], v[:, None], source=record.engine, run=record)


def law_subject(
    name: str,
    device: Device,
    amplitude: float,
    frequency: float,
    initial_state: float = 0.5,
    own: StateSubcircuit | None = None,
    twin: Path | None = None,
) -> Subject:
    """A law with the library's subcircuit and twin, or with those of the user."""
    call = subcircuit_call(device)
    model = call.models[0]
    numbers = [(key, float(getattr(device, key))) for key, _ in model.parameters if key not in call.signs]
    if own is None:
        part, twin = component(model, numbers), twin or model_twin(model.name)
    else:
        part = replace(own, parameters=tuple(numbers))
        for what, mine, theirs in (
            ("pins", own.model.pins, model.pins),
            ("parameters", [key for key, _ in own.model.parameters], [key for key, _ in model.parameters]),
        ):
            if [x.lower() for x in mine] != [x.lower() for x in theirs]:
                raise CaseError(
                    f"{name}: subcircuit {own.model.name} has the {what} {' '.join(mine)}; beside a law it needs those "
                    f"of the library's {model.name}: {' '.join(theirs)}"
                )
    return Subject(
        name=name,
        device=device,
        amplitude=amplitude,
        frequency=frequency,
        initial_state=initial_state,
        component=part,
        twin=twin,
        own=own is not None,
        text=device.definition.text if isinstance(device, LawDevice) else "",
    )


def subject_names() -> tuple[str, ...]:
    """Names that `load_subject` knows."""
    return tuple(library())


def load_subject(
    name_or_file: str | Path,
    *,
    subcircuit: str | None = None,
    engine: str = "ngspice",
    dialect: str = "auto",
    state_range: tuple[float, float] | None = None,
    **given: float | None,
) -> Subject:
    """Return a subject of the library by name, or read one from a file (see the module).

    `dialect` is whose language a subcircuit is in, as in `read_deck`. `subcircuit` chooses one of several in a file.
    `given` are `amplitude` (V), `frequency` (Hz) and `initial_state`, which go before those of the file; where a
    subcircuit has none, `engine` finds a drive that moves the state. `state_range` is where the states of a subcircuit
    or of a module are tried, in its own unit; a law has its own. Raises `CaseError` and `DeckError` for a file with
    mistakes, `SpiceBridgeError` for an unknown name.
    """
    if state_range is not None and not (np.isfinite(state_range).all() and state_range[0] < state_range[1]):
        raise SpiceBridgeError(
            f"check-model: state range {state_range} must be two finite numbers, the lower one first"
        )
    found = _loaded(name_or_file, subcircuit, engine, dialect, state_range, given)
    if state_range is not None and found.given_range is None and not found.problem:
        raise SpiceBridgeError(
            f"{name_or_file}: a law states the range of its state itself, in `state`; a state range is for .sub and .va"
        )
    return found


def _loaded(
    name_or_file: str | Path,
    subcircuit: str | None,
    engine: str,
    dialect: str,
    state_range: tuple[float, float] | None,
    given: Mapping[str, float | None],
) -> Subject:
    numbers = {key: float(value) for key, value in given.items() if value is not None}
    _check_numbers("check-model", numbers)
    text = str(name_or_file)
    path = Path(text)
    suffix = path.suffix.lower()
    known = library()
    if text in known and subcircuit is None:
        device, *example = known[text]
        return law_subject(text, device, *_drive(example, numbers))
    if suffix == TWIN_SUFFIX:
        beside = [path.with_suffix(end) for end in (LAW_SUFFIX, *CIRCUIT_SUFFIXES)]
        found = next((file for file in beside if file.is_file()), None)
        if not path.is_file():
            raise CaseError(f"{path}: cannot read the model: no such file")
        if found is None:
            return _read_module(path, engine, numbers, state_range)
        path, suffix = found, found.suffix.lower()
    if suffix == LAW_SUFFIX and _is_law_text(path):
        return _law_text(path, numbers)
    if suffix == LAW_SUFFIX:
        return _read_law(path, subcircuit, numbers, dialect)
    if suffix in CIRCUIT_SUFFIXES or (path.is_file() and _holds_subcircuit(path)):
        return _read_circuit(path, subcircuit, engine, numbers, dialect, state_range)
    raise SpiceBridgeError(
        f"model {text!r} is not in the library{nearest(text, known)}; known are {', '.join(known)}; "
        f"a file must end in {LAW_SUFFIX}, {TWIN_SUFFIX} or {', '.join(CIRCUIT_SUFFIXES)}"
    )


def _drive(usual: Sequence[float], given: Mapping[str, float]) -> tuple[float, float, float]:
    """Amplitude (V), frequency (Hz) and initial state: the given ones go before the usual ones."""
    amplitude, frequency, initial_state = (given.get(key, value) for key, value in zip(KEYS, usual, strict=True))
    return amplitude, frequency, initial_state


def _is_law_text(path: Path) -> bool:
    """Whether a TOML file is a law and not a check of a named one: formulas stand at its top."""
    try:
        with path.open("rb") as file:
            data = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return False
    return "resistance" in data or "current" in data


def _law_text(path: Path, given: dict[str, float]) -> Subject:
    """The law of a text, driven as its first example says, with the models that are written from it."""
    law = Law.load(path)
    device, *example = next(iter(examples(law).values()))
    drive = _drive(example, given)
    problem = device.check_state(np.array([drive[2]]))
    if problem is not None:
        raise CaseError(f"{path}: initial_state {drive[2]:g} {problem}")
    twin = Path(tempfile.mkdtemp(prefix="spicebridge-")) / f"{law.name}.va"
    try:
        twin.write_text(format_modules(law), encoding="utf-8")
    except DeckError:
        return law_subject(path.stem, device, *drive)
    return law_subject(path.stem, device, *drive, twin=twin)


def _beside(path: Path, suffix: str) -> Path | None:
    file = path.with_suffix(suffix)
    return file if file.is_file() else None


def _holds_subcircuit(path: Path) -> bool:
    """Whether a file with any other end of its name, or with none, defines a subcircuit."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return any(line.lstrip().lower().startswith(".subckt") for line in file)
    except OSError:
        return False


def _read_module(
    path: Path, engine: str, numbers: dict[str, float], state_range: tuple[float, float] | None
) -> Subject:
    """A module alone: the law that it is read as, the file itself where `engine` compiles it."""
    try:
        law = Law.load(path)
    except HiddenState as error:
        return Subject(
            name=path.stem,
            device=None,
            amplitude=1.0,
            frequency=1.0,
            initial_state=0.5,
            component=StateSubcircuit(model=Subcircuit(name=path.stem, pins=("p", "n")), state="", capacitance=1.0),
            twin=None,
            text=path.read_text(encoding="utf-8", errors="replace"),
            problem=str(error),
        )
    module = law.module
    assert module is not None
    formulas = Law(law.name, **{key: value for key, value in law.data.items() if key not in ("module", "veriloga")})()
    low, high = state_range or (0.0, 1.0)
    defaults = tuple((own, law.parameters[name].default) for name, own in module.parameters.items())
    amplitude, frequency, start = _drive((1.0, 1.0, 0.5 * (low + high)), numbers)
    subject = Subject(
        name=path.stem,
        device=law() if get_engine(engine).dialect == "vacask" else formulas,
        amplitude=amplitude,
        frequency=frequency,
        initial_state=start,
        component=component(subcircuit_call(formulas).models[0]),
        twin=path,
        given_range=(low, high),
        text=module.text,
        twin_part=StateSubcircuit(
            model=Subcircuit(name=module.name, pins=module.pins, parameters=defaults),
            state=module.state.lower(),
            capacitance=1.0,
        ),
    )
    return subject if "frequency" in numbers else _driven(subject, numbers.get("amplitude"), engine)


def _read_circuit(
    path: Path, subcircuit: str | None, engine: str, numbers: dict[str, float], dialect: str,
    state_range: tuple[float, float] | None,
) -> Subject:  # fmt: skip
    part = read_component(path, subcircuit, dialect)
    middle = 0.5 if state_range is None else 0.5 * (state_range[0] + state_range[1])
    usual = (1.0, 1.0, middle if part.initial is None else part.initial)
    amplitude, frequency, start = _drive(usual, numbers)
    subject = Subject(
        name=path.stem,
        device=None,
        amplitude=amplitude,
        frequency=frequency,
        initial_state=start,
        component=part,
        twin=_beside(path, TWIN_SUFFIX),
        own=True,
        given_range=state_range,
        text=path.read_text(encoding="utf-8", errors="replace"),
    )
    return subject if "frequency" in numbers else _driven(subject, numbers.get("amplitude"), engine)


def _driven(subject: Subject, amplitude: float | None, engine: str) -> Subject:
    """The subject with a sine under which its state moves by about `SWING` and stays in its range."""
    low, high = subject.state_range
    start, reach = subject.initial_state, high - low
    for level in AMPLITUDES if amplitude is None else (amplitude,):
        v = level * np.array([-1.0, -0.7, 0.7, 1.0])
        try:
            _, rate = forced(subject.component, v, np.full(4, start), engine)
        except RunFailed:
            continue
        fastest = float(np.abs(rate).max())
        if not (np.isfinite(fastest) and fastest > 0.0):
            continue
        # A half wave of a sine moves the state by rate/(pi f), if the rate stays what it is at the start.
        found = replace(subject, amplitude=level, frequency=fastest / (np.pi * SWING * reach))
        for _ in range(DOUBLINGS):
            try:
                state = found.run(engine, stop=found.period, step=found.period / 200).state
            except RunFailed:
                pass
            else:
                if np.abs(state - start).max() <= 2.0 * SWING * reach and low <= state.min() and state.max() <= high:
                    break
            found = replace(found, frequency=2.0 * found.frequency)
        return found
    return subject


def _read_law(path: Path, subcircuit: str | None, given: dict[str, float], dialect: str) -> Subject:
    """Read the [device] section as the device of a network of one edge, so that it means what it means there."""
    from spicebridge.case.located_toml import Section, parse
    from spicebridge.case.schema import build_network

    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CaseError(f"{path}: cannot read the model: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise CaseError(f"{path}: not UTF-8 at byte {error.start}; save the model as UTF-8 text") from None
    root = parse(text, str(path))
    root.known(("device", "check"))
    check = root.section("check")
    check.known(KEYS)
    numbers = {key: np.asarray(check.per_edge(key, 1)).item() for key in KEYS if key in check}
    for key, unit in (("amplitude", "V"), ("frequency", "Hz")):
        if key in check:
            check.positive(key, unit=unit)
    drive = _drive((1.0, 1.0, 0.5), numbers | given)
    edge = {"edges": [["a", "a"]], "initial_state": drive[2]}
    network = build_network(Section(root.source, {**root.data, "network": edge}), path.parent, path.stem)
    device = network.device(0)
    if not device.stateful:
        root.section("device").fail("law", f"{device.kind} has no state; a memristor is what is checked here")
    circuit, twin = _beside(path, ".sub"), _beside(path, TWIN_SUFFIX)
    own = None if circuit is None else read_component(circuit, subcircuit, dialect)
    return law_subject(path.stem, device, *drive, own, twin)


def _check_numbers(where: str, numbers: dict[str, float]) -> None:
    for key, value in numbers.items():
        if key not in KEYS:
            raise SpiceBridgeError(f"{where}: {key!r} is unknown{nearest(key, KEYS)}; known are {', '.join(KEYS)}")
        if not np.isfinite(value):
            raise SpiceBridgeError(f"{where}: {key} {value!r} must be finite")
        if key != "initial_state" and value <= 0:
            raise SpiceBridgeError(f"{where}: {key} {value!r} must be positive")
