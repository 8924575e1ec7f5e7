"""Words that parameters and states may not be: of formulas, of devices, of decks, of Verilog-A and of Python."""

from __future__ import annotations

import keyword

from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.expressions.language import DECK_WORDS
from spicebridge.laws.formulas import CONSTANTS, LANGUAGE

SIGNALS = frozenset(("v", "i", "active", "polarity", "time", "p", "n", "drift", "window", "pi", "law", *CONSTANTS))
"""What a formula or a device means by them is fixed."""
CALLED = frozenset((*FUNCTIONS, *LANGUAGE.functions, *LANGUAGE.refused))
"""Functions of the language, and those that it refuses."""
_VERILOG = """
    above abs absdelay ac_stim access acos acosh aliasparam always analog analysis and asin asinh assign atan atan2
    atanh begin branch buf case casex casez ceil cos cosh cross ddt ddx deassign default defparam disable discipline
    discrete domain edge electrical else end endcase enddiscipline endfunction endmodule endnature endtask event
    exclude exp final_step flicker_noise floor flow for force forever from function generate genvar ground hypot idt
    idtmod if ifnone inf initial initial_step inout input integer join last_crossing limexp ln localparam log max
    min module nand nature negedge noise_table nor not or output parameter paramset posedge potential pow primitive
    real realtime reg release repeat sin sinh slew sqrt string strong0 strong1 supply0 supply1 table tan tanh task
    time timer transition tri units unsigned wait while white_noise wire xnor xor
"""
VERILOG = frozenset(_VERILOG.split())
"""Keywords of Verilog-A, in lower case."""
DECKS = DECK_WORDS | {"pwr", "log10", "nan"}
"""Words that simulators read as something else."""
IN_CIRCUITS = (SIGNALS | CALLED | VERILOG | DECKS) - {"u"}
"""What no name may be that a circuit holds; u is a letter and a function to all of them."""


def taken(of_device: frozenset[str]) -> frozenset[str]:
    """What no field of a device may be, in lower case: these, words of Python and the quantities `of_device`."""
    return IN_CIRCUITS | {word.lower() for word in (*of_device, *keyword.kwlist)}
