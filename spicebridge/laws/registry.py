"""The laws that have a name: the files of ``models/``, and what other packages bring.

A file ``models/<law>.toml`` is a law; nothing else has to know of it. Packages bring laws by the entry point group
``spicebridge.laws``: each entry loads to a `Law`, to the path of a law text, or to a device class, which then
registers itself with `register_law`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from importlib import metadata, resources
from pathlib import Path
from types import ModuleType

from spicebridge.errors import LawError
from spicebridge.laws.law import Law
from spicebridge.laws.record_law import RecordLaw

ENTRY_POINTS = "spicebridge.laws"
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
    text = (models_folder() / f"{name}.toml").read_text(encoding="utf-8")
    return law_from(name, text)


@functools.cache
def law_from(name: str, text: str) -> Law:
    """The law of a text that was checked before."""
    import tomllib

    law = object.__new__(Law)
    law._fill(name, text, tomllib.loads(text), check=False)
    return law


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

    @functools.cached_property
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
