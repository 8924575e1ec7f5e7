"""The words of netlists: what is read, what is left out, what is refused and why."""

from __future__ import annotations

ELEMENTS = frozenset("RCLVIEGFHBSX")

OTHER_ELEMENTS = {
    "A": "code model",
    "D": "diode",
    "J": "junction transistor",
    "K": "coupling of inductors",
    "M": "MOS transistor",
    "N": "Verilog-A device",
    "O": "lossy line",
    "P": "coupled line",
    "Q": "bipolar transistor",
    "T": "transmission line",
    "U": "distributed or digital device",
    "W": "current-controlled switch",
    "Y": "lossy line, or device of Xyce's own (for its memristors call a subcircuit of models/: team, yakopcic),",
    "Z": "field-effect transistor",
}

DIRECTIVES = {
    ".model": "MODEL",
    ".tran": "TRAN",
    ".options": "OPTIONS",
    ".option": "OPTIONS",
    ".opts": "OPTIONS",
    ".opt": "OPTIONS",
    ".ic": "INITIAL",
    ".param": "PARAM",
    ".params": "PARAM",
    ".func": "FUNC",
    ".function": "FUNC",
    ".subckt": "SUBCKT",
    ".macro": "SUBCKT",
    ".ends": "ENDS",
    ".eom": "ENDS",
    ".end": "END",
    ".include": "INCLUDE",
    ".inc": "INCLUDE",
    ".incl": "INCLUDE",
    ".lib": "LIB",
    ".control": "CONTROL",
    ".global": "SHARED",
    ".global_param": "PARAM",
    ".save": "SAVE",
    ".probe": "SAVE",
    ".probe64": "SAVE",
    ".print": "PRINT",
    ".plot": "PRINT",
}

SHOWING = frozenset((".probe", ".probe64", ".print", ".plot"))
"""Cards that choose what is printed: what they hold that is not read is left out with a note."""

_HARMLESS = """
    .csparam .preprocess .prot .unprot .protect .unprotect .backanno
    .meas .measure .four .width
    .op .ac .dc .noise .tf .sens .disto .pz .sp
"""
HARMLESS = frozenset(_HARMLESS.split())
"""Cards that do not change the circuit or its transient, left out with a note: for a block of commands or an editor,
made after the run, other analyses."""

UNSAFE = {
    ".endc": "ends a block of commands",
    **dict.fromkeys((".exec", ".shell", ".system"), "runs a program"),
    **dict.fromkeys((".pre_osdi", ".osdi", ".codemodel", ".hdl"), "loads a compiled library"),
    **dict.fromkeys((".write", ".wrdata", ".wave", ".savebias"), "writes a file"),
    **dict.fromkeys((".loadbias", ".load"), "reads a file"),
    ".machine": "runs a state machine of the simulator",
}
CHANGING = frozenset(("alter", "alterparam", "altermod", "reset", "source", "mc_source"))
"""Commands of a control block after which the circuit is another one."""
COMMANDS = frozenset(
    ("shell", "exec", "system", "source", "codemodel", "pre_osdi", "osdi", "quit", "set", "write", "wrdata")
)

UNSUPPORTED = {
    ".temp": "the temperature is not part of a deck here; give device values for the temperature you mean",
    ".nodeset": "it selects one of several solutions; use .ic",
    ".alter": "a deck is one circuit; write two decks",
    **dict.fromkeys((".step", ".data"), "a deck is one circuit; use a campaign for sweeps"),
    **dict.fromkeys(
        (".if", ".elseif", ".else", ".endif"), "conditional netlists are not read; write the branch that holds"
    ),
    ".endl": "no .lib section is open",
    ".title": "the first line is the title",
}

WAVES = frozenset(("SIN", "SINE", "PULSE", "PWL", "EXP"))
OTHER_WAVES = frozenset(
    ("SFFM", "AM", "TRNOISE", "TRRANDOM", "EXTERNAL", "PORT", "WAVEFILE", "DISTOF1", "DISTOF2", "PORTNUM")
)
CHANGING_OPTIONS = {
    "rshunt": "puts a resistor from every node to ground",
    "gshunt": "puts a conductance from every node to ground",
    "cshunt": "puts a capacitor from every node to ground",
}
"""Options that are parts of the circuit, in whatever dialect."""
COEFFICIENTS = frozenset(("tc", "tc1", "tc2", "tce"))
"""What a resistor, capacitor or inductor is at another temperature than the nominal one."""
CATALOGUE = frozenset(("tol", "pwr", "irms", "vrated", "mfg", "pn", "type", "mtbf", "v", "ipk"))
"""What LTspice's lists of parts say of a part beside its values: no part of the circuit."""
REPEATING = frozenset(("REPEAT", "FOREVER", "ENDREPEAT", "TRIGGER", "TIME_SCALE_FACTOR", "VALUE_SCALE_FACTOR"))
BEHAVIOUR = {"E": frozenset(("VALUE", "VOL")), "G": frozenset(("VALUE", "CUR"))}
OTHER_CONTROL = {
    "POLY": "polynomials of currents are not read; write a B source",
    "LAPLACE": "Laplace transfer functions are not read; write the states as nodes",
    "FREQ": "frequency tables are not read; write the states as nodes",
    "CHEBYSHEV": "filters are not read; write the states as nodes",
    "DELAY": "delays are not read",
    **dict.fromkeys(("AND", "NAND", "OR", "NOR"), "logic gates are not read"),
}
