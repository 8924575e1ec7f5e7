"""The report of a validation says what was found, in all formats, and escapes what strangers wrote."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.lab_verdicts import circuit_of
from spicebridge.errors import OutputError
from spicebridge.lab.measure.measured import compare_measured
from spicebridge.lab.measure.measurement import Signal, parse_signal
from spicebridge.lab.measure.simulated_scope import Scope, measure
from spicebridge.lab.measure.validation_report import (
    Facts,
    format_html,
    format_json,
    format_markdown,
    write_validation,
)


@pytest.fixture(scope="module")
def facts() -> Facts:
    circuit = circuit_of("two_loops")
    names = ["v[0]", "i[0]", "p[b]"]
    shown = measure(circuit, names, Scope(bits=12, noise=1e-3), wrong={0: 0.05})
    column = "<script>|p[b]"
    shown = replace(
        shown, values={"v[0]": shown.values["v[0]"], "i[0]": shown.values["i[0]"], column: shown.values["p[b]"]}
    )
    signals = {"v[0]": parse_signal("v[0]"), "i[0]": parse_signal("i[0]"), column: Signal("p", "b")}
    return Facts(
        title="a <b>title</b>",
        learn="what it is",
        circuit=circuit,
        result=compare_measured(circuit, shown, signals),
        source="scope.csv",
    )


def test_json_holds_the_curves_and_the_budget(facts: Facts) -> None:
    content = json.loads(format_json(facts))
    assert content["kind"] == "validation"
    assert content["outcome"] == "disagrees"
    for channel in content["channels"]:
        blocks = channel["blocks"]
        gap = [m - e - r for m, e, r in zip(blocks["measured"], blocks["expected"], blocks["residual"], strict=True)]
        assert max(map(abs, gap)) < 1e-12
        assert channel["uncertainty"] == pytest.approx(channel["random"] + channel["resolution"] + channel["circuit"])
    assert {x["what"] for x in content["parts"]} >= {"resistance", "reading gain", "source gain"}


def test_the_page_is_one_file_with_pictures_and_escaped_names(facts: Facts) -> None:
    page = format_html(facts)
    assert "DISAGREES" in page
    assert "Validation: does the thing on the bench" in page
    assert "What U is made of" in page
    assert "Fitted calibration" in page
    assert page.count('class="plot') == 2
    assert "<script>" not in page
    assert "<b>title" not in page
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", page)


def test_markdown_names_the_suspect(facts: Facts) -> None:
    text = format_markdown(facts)
    assert "Where to look first" in text
    assert facts.network.edge_name(0) in text.split("Where to look first")[1].split("##")[0]
    assert "\\|p[b]" in text


def test_the_folder_is_complete_and_replaces_only_its_own(facts: Facts, tmp_path: Path) -> None:
    place = tmp_path / "out"
    files = write_validation(place, facts)
    assert (
        sorted(x.name for x in place.iterdir())
        == sorted(files)
        == json.loads((place / "validation.json").read_text())["files"]
    )
    write_validation(place, facts)
    (place / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match=r"mine\.txt"):
        write_validation(place, facts)
