"""What is checked: a device with the drive that exercises it.

By name, every law of the library has a typical parameter set here; a TOML file gives any other::

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
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spicebridge as sb
from spicebridge.errors import CaseError, SpiceBridgeError, nearest
from spicebridge.network import Network

SUFFIX = ".toml"


@dataclass(frozen=True)
class Subject:
    """A scalar device, the amplitude (V) and frequency (Hz) of its sine, its initial state."""

    name: str
    device: Any
    amplitude: float
    frequency: float
    initial_state: float = 0.5

    @property
    def period(self) -> float:
        """Of the sine, in s."""
        return 1.0 / self.frequency

    def network(self, *, drive: Any = None, initial_state: float | None = None) -> Network:
        """The device on its source: one edge whose drop is the source itself."""
        wave = sb.Sine(self.amplitude, self.frequency) if drive is None else drive
        start = self.initial_state if initial_state is None else initial_state
        return sb.Network.from_edges([("a", "a")], device=self.device, drive=wave, initial_state=start)


def _make(law: Any, *numbers: Any, **named: Any) -> Any:
    """A device from plain numbers, which its constructor turns into arrays."""
    return law(*numbers, **named)


def _library() -> dict[str, Subject]:
    from spicebridge.devices import (
        TEAM,
        VTEAM,
        HPMemristor,
        LinearMemristor,
        PiecewiseMemristor,
        ThresholdMemristor,
        YakopcicMemristor,
    )

    hard, joglekar, biolek = sb.Hard(), sb.Joglekar(1), sb.Biolek(1)
    law1, law2 = LinearMemristor.caravelli2017, LinearMemristor.tunneling
    yakopcic = _make(YakopcicMemristor,
        a_1=0.17, a_2=0.17, b=0.05, v_p=0.16, v_n=0.15, a_p=40.0, a_n=40.0, x_p=0.3, x_n=0.5,
        alpha_p=1.0, alpha_n=5.0,
    )  # fmt: skip
    team = _make(TEAM,
        r_on=400.0, r_off=1600.0, k_on=-2.0, k_off=2.0, alpha_on=1.0, alpha_off=1.0, i_on=-2e-4, i_off=2e-4,
        a_on=0.2, a_off=0.8, w_c=0.3,
    )  # fmt: skip
    vteam = _make(VTEAM,
        r_on=100.0, r_off=1600.0, k_on=-2.0, k_off=2.0, alpha_on=3.0, alpha_off=3.0, v_on=-0.3, v_off=0.3
    )  # fmt: skip
    table = ((0.0, 1.0), (0.5, 0.8), (0.9, 0.1), (1.0, 0.0))
    mirror = ((0.0, 0.0), (0.1, 0.1), (0.5, 0.8), (1.0, 1.0))
    piecewise = _make(PiecewiseMemristor,
        up=table, down=mirror, i_1=85.37e-6, i_2=90.16e-6, v_1=0.265, v_2=0.265, g_0=130.72e-6,
        v_p=0.2, v_n=-0.2, d_1=3.0, d_2=-3.0, c_1=5.0, c_2=-5.0,
    )  # fmt: skip
    subjects = [
        Subject("caravelli2017", law1(100.0, 1600.0, 0.0, 1.0), 1.0, 1.0),
        Subject("caravelli2017-hard", law1(100.0, 1600.0, 0.1, 1.0, window=hard), 6.0, 0.5),
        Subject("caravelli2017-voltage", law1(100.0, 1600.0, 0.0, 1.0, control="voltage"), 1.0, 1.0),
        Subject("tunneling", law2(100.0, 1000.0, 0.2, 1.0), 0.3, 0.5, 0.2),
        Subject("tunneling-hard", law2(100.0, 1000.0, 0.2, 1.0, window=hard), 3.0, 0.5),
        Subject("hp-joglekar", _make(HPMemristor, 100.0, 16e3, 1e4, joglekar), 1.0, 1.0),
        Subject("hp-biolek", _make(HPMemristor, 100.0, 16e3, 1e4, biolek), 1.0, 1.0),
        Subject("hp-hard", _make(HPMemristor, 100.0, 1600.0, 1e3, hard), 1.0, 1.0),
        Subject(
            "threshold",
            _make(ThresholdMemristor, 1e3, 1e4, 0.6, 2e4, 0.0, 0.01),
            1.0,
            1.0,
        ),
        Subject("yakopcic", yakopcic, 0.4, 10.0),
        Subject("team", team, 0.4, 2.0),
        Subject("vteam", vteam, 0.8, 2.0),
        Subject("piecewise", piecewise, 0.6, 2.0),
    ]
    return {subject.name: subject for subject in subjects}


def subject_names() -> tuple[str, ...]:
    """Names that `load_subject` knows."""
    return tuple(_library())


def load_subject(name_or_file: str | Path) -> Subject:
    """Return a subject of the library by name, or read one from a TOML file.

    Raises `CaseError` for a file with mistakes and `SpiceBridgeError` for an unknown name.
    """
    text = str(name_or_file)
    if text.endswith(SUFFIX):
        return _read(Path(text))
    library = _library()
    if text in library:
        return library[text]
    raise SpiceBridgeError(
        f"model {text!r} is not in the library{nearest(text, library)}; known are {', '.join(library)}; "
        f"a file must end in {SUFFIX}"
    )


def _read(path: Path) -> Subject:
    """Read the [device] section through a one-edge case, so that it means what it means there."""
    import tomllib

    from spicebridge.case import Case

    try:
        source = path.read_text(encoding="utf-8")
        content = tomllib.loads(source)
    except OSError as error:
        raise CaseError(f"{path}: cannot read the model: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CaseError(f"{path}: not TOML: {error}") from None
    extra = set(content) - {"device", "check"}
    if extra:
        raise CaseError(f"{path}: section {min(extra)!r} is unknown; a model file has [device] and [check]")
    check = content.get("check", {})
    known = ("amplitude", "frequency", "initial_state")
    for key in check:
        if key not in known:
            raise CaseError(f"{path}: check.{key}: unknown key{nearest(key, known)}; known are {', '.join(known)}")
    numbers = {"amplitude": 1.0, "frequency": 1.0, "initial_state": 0.5} | check
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < float("inf"):
            raise CaseError(f"{path}: check.{key}: {value!r} must be a finite number")
        if key != "initial_state" and value <= 0:
            raise CaseError(f"{path}: check.{key}: {value!r} must be positive")
    head = 'title = "model"\nlearn = "check-up"\nstop = 1\n[network]\nedges = [["a", "a"]]\n'
    kept = source[: source.find("[check]")] if "[check]" in source else source
    case = Case.from_toml(head + f"initial_state = {float(numbers['initial_state'])!r}\n" + kept, source=path)
    return Subject(
        path.name.removesuffix(SUFFIX),
        case.network.device(0),
        float(numbers["amplitude"]),
        float(numbers["frequency"]),
        float(numbers["initial_state"]),
    )
