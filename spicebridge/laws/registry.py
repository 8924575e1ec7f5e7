"""The laws that have a name: the files of ``models/``, what is registered, and what other packages bring.

A file ``models/<law>.toml`` is a law; nothing else has to know of it. A law that is no expression is a Python record:
a constructor whose argument names are the keys of the ``[device]`` section and, by convention, the names of the fields
of the device it returns. Packages bring laws by the entry point group ``spicebridge.laws``: each entry loads to a
`Law`, to the path of a law text, or to a device class, which then registers itself with `register_law`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata, resources
from pathlib import Path
from types import ModuleType

from spicebridge.errors import DeviceError, LawError
from spicebridge.laws.base import Device, parameter_names, parameter_unit
from spicebridge.laws.law import Law, LawDevice, law_from
from spicebridge.laws.plain import Capacitor, CurrentSource, Inductor, Resistor

ENTRY_POINTS = "spicebridge.laws"
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


@dataclass(frozen=True, kw_only=True)
class RecordLaw:
    """A law that is a Python record: `build` makes a device from keyword arguments, `device` is the class it returns.

    `subcircuit` is the text of its SPICE model, `veriloga` of the other one, if it has any. Arguments that are
    parameters of the device take numbers (one, one per edge, or a random draw), ``window`` takes a window, every other
    argument the plain value of a case file.
    """

    name: str
    build: Callable[..., Device]
    device: type
    subcircuit: str = ""
    veriloga: str = ""

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """All arguments, in order."""
        return tuple(inspect.signature(self.build).parameters)

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Arguments without a default."""
        arguments = inspect.signature(self.build).parameters.values()
        return tuple(a.name for a in arguments if a.default is inspect.Parameter.empty)

    @property
    def numeric(self) -> tuple[str, ...]:
        """Arguments that hold one number or one per edge."""
        names = parameter_names(self.device)
        return tuple(k for k in self.keys if k in names)

    @property
    def stateful(self) -> bool:
        """Whether its devices have memory."""
        return bool(getattr(self.device, "stateful", False))

    def unit(self, key: str) -> str | None:
        """The unit of a numeric argument, where its class says one."""
        return parameter_unit(self.device, key)

    def describes(self, device: object) -> bool:
        """Whether `device` is of this law."""
        return type(device) is self.device

    def arguments(self, device: object) -> dict[str, object]:
        """The keyword arguments that build `device` again."""
        return {key: getattr(device, key) for key in self.keys}


AnyLaw = Law | RecordLaw


def models_folder() -> Path:
    """Where the law texts and model files are: inside the wheel, beside the package in a checkout."""
    packaged = Path(str(resources.files("spicebridge") / "_models"))
    folder = packaged if packaged.is_dir() else Path(__file__).parents[2] / "models"
    if not folder.is_dir():
        raise LawError(f"the folder of laws is missing ({folder}); install the package again")
    return folder


@functools.cache
def packaged(name: str) -> Law:
    """The law of ``models/<name>.toml``; its text is checked by the tests, not on every start."""
    return law_from(name, (models_folder() / f"{name}.toml").read_text(encoding="utf-8"), check=False)


class Laws(Mapping[str, AnyLaw]):
    """Name -> law: packaged texts, the resistor, what was registered. Entries are read when they are asked for."""

    def __init__(self) -> None:
        self._registered: dict[str, AnyLaw] = {}
        self._foreign = False

    def register(self, name: str, law: AnyLaw) -> None:
        """Make a law known. Raises `LawError` if the name is another law's."""
        known = self._registered.get(name)
        if (known is not None and known is not law and known != law) or name in self.texts:
            raise LawError(f"law {name!r} is known already; take another name")
        self._registered[name] = law

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Names of the packaged texts."""
        return tuple(sorted(f.stem for f in models_folder().glob("*.toml")))

    def _load_foreign(self) -> None:
        if self._foreign:
            return
        self._foreign = True
        for entry in metadata.entry_points(group=ENTRY_POINTS):
            where = f"entry point {entry.name!r} of the group {ENTRY_POINTS}"
            try:
                found = entry.load()
            except (ImportError, AttributeError) as error:
                raise LawError(f"{where} cannot be loaded: {error}") from None
            if isinstance(found, (str, Path)):
                found = Law.load(found)
            if isinstance(found, Law):
                self.register(entry.name, found)
            elif not isinstance(found, (type, ModuleType)):
                raise LawError(f"{where} is a law, the path of its text, or what registers one, not {found!r}")

    def __getitem__(self, name: str) -> AnyLaw:
        if name in self._registered:
            return self._registered[name]
        if name in self.texts:
            return packaged(name)
        self._load_foreign()
        return self._registered[name]

    def __iter__(self) -> Iterator[str]:
        self._load_foreign()
        yield from self.texts
        yield from self._registered

    def __len__(self) -> int:
        return sum(1 for _ in self)


LAWS = Laws()
"""Every law by its name."""
for _word, _kind in (
    ("resistor", Resistor),
    ("capacitor", Capacitor),
    ("inductor", Inductor),
    ("current_source", CurrentSource),
):
    LAWS.register(_word, RecordLaw(name=_word, build=_kind, device=_kind))


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
