"""Branch A: the network as a circuit. Knows nothing of incidence matrices, cycles or Omega.

What runs circuits is loaded on first use: asking a simulator for its version needs no network.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from spicebridge.circuit.deck.elements import Deck
    from spicebridge.network import Network

__all__ = ["format_netlist", "read_netlist", "to_deck"]


def to_deck(network: Network, t: ArrayLike, *, step: float | None = None, form: str = "readable") -> Deck:
    """Return the circuit of `network` as a `Deck` with a transient over `t`."""
    from spicebridge.circuit.circuit_run import grid_span
    from spicebridge.circuit.lower.lowered_network import lower
    from spicebridge.circuit.lower.steps import first_step

    stop = float(grid_span(t)[-1])
    return lower(network, stop, step or first_step(network, stop), form=form).deck


def format_netlist(network: Network, t: ArrayLike, dialect: str, *, step: float | None, form: str) -> str:
    """Return the circuit of `network` as text in a simulator's language; `step` as in `to_deck`."""
    from spicebridge.circuit.dialects import get_dialect

    return get_dialect(dialect).format_deck(to_deck(network, t, step=step, form=form))


def read_netlist(source: str | Path, dialect: str = "auto") -> Network:
    """Return the network that a deck (text or path) describes.

    Parameters
    ----------
    source : str or path
        Text with line ends, or the path of a netlist or of an LTspice schematic.
    dialect : str
        "ngspice", "ltspice", "xyce", "hspice", "pspice", with a version where meanings changed ("ngspice@46"), or
        "auto": by the words that one simulator alone has. What was taken, and what was left out, is logged to the
        logger ``spicebridge``.

    Returns
    -------
    Network

    Raises
    ------
    DeckError
        With line and column for text that cannot be read, or whose meaning depends on a dialect that nobody said.
    NotANetwork
        Naming the element, for a circuit that is no memristive network.
    """
    from spicebridge.circuit.reader import read_deck
    from spicebridge.circuit.recognise import recognise_circuit

    deck = read_deck(source, dialect=dialect)
    found = recognise_circuit(deck)
    for note in (*deck.notes, *found.notes):
        logging.getLogger("spicebridge").info(note)
    return found.network
