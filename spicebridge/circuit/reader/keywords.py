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

HARMLESS = {
    ".csparam": "a value for the block of commands",
    ".preprocess": "how the file is read",
    ".prot": "a mark for editors",
    ".unprot": "a mark for editors",
    ".protect": "a mark for editors",
    ".unprotect": "a mark for editors",
    ".backanno": "a mark of the schematic editor",
    ".meas": "a measurement made after the run",
    ".measure": "a measurement made after the run",
    ".four": "an analysis made after the run",
    ".width": "the width of printed pages",
    ".op": "the operating point, which a transient finds anyway",
    ".ac": "another analysis than the transient",
    ".dc": "another analysis than the transient",
    ".noise": "another analysis than the transient",
    ".tf": "another analysis than the transient",
    ".sens": "another analysis than the transient",
    ".disto": "another analysis than the transient",
    ".pz": "another analysis than the transient",
    ".sp": "another analysis than the transient",
}
"""Cards that do not change the circuit or its transient: left out with a note."""

UNSAFE = {
    ".endc": "ends a block of commands",
    ".exec": "runs a program",
    ".shell": "runs a program",
    ".system": "runs a program",
    ".pre_osdi": "loads a compiled library",
    ".osdi": "loads a compiled library",
    ".codemodel": "loads a compiled library",
    ".hdl": "loads a compiled library",
    ".write": "writes a file",
    ".wrdata": "writes a file",
    ".wave": "writes a file",
    ".savebias": "writes a file",
    ".loadbias": "reads a file",
    ".load": "reads a file",
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
    ".step": "a deck is one circuit; use a campaign for sweeps",
    ".alter": "a deck is one circuit; write two decks",
    ".data": "a deck is one circuit; use a campaign for sweeps",
    ".if": "conditional netlists are not read; write the branch that holds",
    ".elseif": "conditional netlists are not read; write the branch that holds",
    ".else": "conditional netlists are not read; write the branch that holds",
    ".endif": "conditional netlists are not read; write the branch that holds",
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
    "AND": "logic gates are not read",
    "NAND": "logic gates are not read",
    "OR": "logic gates are not read",
    "NOR": "logic gates are not read",
}
