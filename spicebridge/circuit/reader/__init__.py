"""SPICE text -> Deck, for what users of ngspice, LTspice, Xyce, HSPICE and PSpice write.

Every card is read, refused with its file, line and column, or, where it has no effect on a transient,
left out with a note in `Deck.notes`. Control blocks are never run: they are left out with a note. Decks that ask for
other commands, or for files outside their own folder, are refused (`UnsafeDeck`). Time and memory are linear in the
text; nesting has named limits.
"""

from spicebridge.circuit.reader.choice import AUTO
from spicebridge.circuit.reader.entry import read_deck, read_expression, read_library, read_subcircuits
from spicebridge.circuit.reader.rules import DIALECTS

__all__ = ["AUTO", "DIALECTS", "read_deck", "read_expression", "read_library", "read_subcircuits"]
