"""The device models of ``models/*.sub`` as subcircuits."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib import resources
from importlib.abc import Traversable
from pathlib import Path

from spicebridge.circuit.deck.elements import Subcircuit
from spicebridge.circuit.reader import read_subcircuits
from spicebridge.errors import DeckError, nearest


def load_model(name: str) -> Subcircuit:
    """Return the subcircuit called `name`; `DeckError` names the nearest known one."""
    models = _models()
    found = models.get(name.lower())
    if found is None:
        raise DeckError(f"model {name!r} is unknown{nearest(name, models)}; known are {', '.join(models)}")
    return found


def model_names() -> tuple[str, ...]:
    """Every model, sorted."""
    return tuple(_models())


def model_twin(name: str) -> Path | None:
    """The Verilog-A file beside the one that defines the subcircuit `name`, if it has one."""
    for file in _files():
        if any(model.name.lower() == name.lower() for model in _read(file)):
            twin = Path(str(file)).with_suffix(".va")
            return twin if twin.is_file() else None
    return None


@functools.cache
def _models() -> dict[str, Subcircuit]:
    found: dict[str, Subcircuit] = {}
    for file in _files():
        for model in _read(file):
            if model.name.lower() in found:
                raise DeckError(f"{file.name}: model {model.name!r} is defined in another file too; rename one")
            found[model.name.lower()] = model
    return dict(sorted(found.items()))


def _read(file: Traversable) -> tuple[Subcircuit, ...]:
    return read_subcircuits(file.read_text(encoding="utf-8"), name=file.name)


def _files() -> Iterator[Traversable]:
    """The wheel carries the files inside the package, a checkout beside it."""
    packaged = resources.files("spicebridge") / "_models"
    folder: Traversable = packaged if packaged.is_dir() else Path(__file__).parents[3] / "models"
    if not folder.is_dir():
        raise DeckError(f"the folder of device models is missing ({folder}); install the package again")
    yield from sorted((f for f in folder.iterdir() if f.name.endswith(".sub")), key=lambda f: f.name)
