"""Names of laws: registering one that is Python, and finding the name of a device."""

from __future__ import annotations

from pathlib import Path

from spicebridge.errors import DeviceError, LawError
from spicebridge.laws.device import LawDevice
from spicebridge.laws.law import Law
from spicebridge.laws.plain import Capacitor, CurrentSource, Inductor, Resistor
from spicebridge.laws.record_law import RecordLaw
from spicebridge.laws.registry import LAWS

CONTRACT = (
    "kind",
    "stateful",
    "ohmic",
    "smooth",
    "affine",
    "linear_rate",
    "check_state",
    "rate",
    "bulk_rate",
    "window",
)
"""What every device class has."""


def register_law(
    device_class: type, subcircuit: str | Path, veriloga: str | Path | None = None, name: str | None = None
) -> RecordLaw:
    """Make a law known that is a Python class and no expression.

    Parameters
    ----------
    device_class : type
        Keeps the contract of `spicebridge.laws.base.Device` (and of `OhmicDevice` or `GeneralDevice`): a frozen
        dataclass whose numeric fields are declared with `spicebridge.laws.base.parameter`.
    subcircuit : str or Path
        Text or file of one subcircuit with the pins p, n, state, drift and the parameters of the class (and
        `active`, `polarity`, if it knows them): it sends ds/dt (1/s, as A) out of the pin drift.
    veriloga : str or Path, optional
        Text or file of the same in Verilog-A, for the check-up.
    name : str, optional
        The word in case files and reports; by default `kind` in lower case.

    Returns
    -------
    RecordLaw

    Raises
    ------
    LawError
        If the class lacks something, or the name is taken.
    """
    missing = [word for word in CONTRACT if not hasattr(device_class, word)]
    ohmic = getattr(device_class, "ohmic", None)
    wanted = ("resistance", "resistance_slope") if ohmic else ("current", "current_partials")
    missing += [word for word in (*wanted, "rate_partials") if not hasattr(device_class, word)]
    if missing:
        raise LawError(f"{device_class.__name__} lacks {', '.join(missing)}; see spicebridge.laws.base.Device")
    word = name or str(device_class.kind).lower()  # type: ignore[attr-defined]
    law = RecordLaw(
        name=word,
        build=device_class,
        device=device_class,
        subcircuit=_text(subcircuit),
        veriloga="" if veriloga is None else _text(veriloga),
    )
    LAWS.register(word, law)
    return law


def _text(given: str | Path) -> str:
    if isinstance(given, str) and "\n" in given:
        return given
    try:
        return Path(given).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LawError(f"{given}: cannot read the model: {error}") from None


def law_of(device: object) -> Law | RecordLaw:
    """The law that describes `device`. Raises `DeviceError` when there is none."""
    if isinstance(device, LawDevice):
        return device.definition
    for law in LAWS.values():
        if isinstance(law, RecordLaw) and law.describes(device):
            return law
    raise DeviceError(f"{type(device).__name__} has no name among the laws; make it known with register_law")


for _word, _kind in (
    ("resistor", Resistor),
    ("capacitor", Capacitor),
    ("inductor", Inductor),
    ("current_source", CurrentSource),
):
    LAWS.register(_word, RecordLaw(name=_word, build=_kind, device=_kind))
