"""The files of models/ are written from the law texts, byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.regenerate import files
from spicebridge.circuit.lower.models import law_subcircuits
from spicebridge.circuit.reader import read_subcircuits
from spicebridge.laws.registry import LAWS, packaged

MODELS = Path(__file__).parents[1] / "models"


def test_generated_files_are_as_committed() -> None:
    made = files()
    assert set(made) == {f.name for f in MODELS.iterdir() if f.suffix in (".sub", ".va")}
    for name, text in made.items():
        assert (MODELS / name).read_text(encoding="utf-8") == text, f"{name}: run make models and read the difference"


@pytest.mark.parametrize("name", LAWS.texts)
def test_text_is_sound_and_its_subcircuits_are_read_back(name: str) -> None:
    law = packaged(name)
    law.check()
    assert law.units_checked
    assert law.data["source"]
    text = (MODELS / f"{name}.sub").read_text(encoding="utf-8")
    found = {model.name: model.elements for model in read_subcircuits(text, name=name)}
    assert list(found) == [model.name for model in law_subcircuits(law)]
