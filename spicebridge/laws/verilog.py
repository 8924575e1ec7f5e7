"""A Verilog-A module of somebody's own as a law: its equations as formulas, its text kept to be run itself.

    I(p, n) <+ i(v, x)                      current, v = V(p, n); contributions add
    V(p, n) <+ R(x)*I(p, n)                 the same as i = v/R
    I(x) <+ C*ddt(V(x)) - f                 dx/dt = f/C, x the voltage of the one node that holds a charge
    I(drift) <+ -f                          a pin of that name adds to the rate, as in modules written here

The analog block is executed on texts: every assignment becomes a `let` of the law, an `if` a `?:`. A variable that is
read before it is set keeps a value from one evaluation to the next: a hidden state, and refused by its name. The
numbers of a module have no units, so formulas are of v/(1 V).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from spicebridge.errors import LawError
from spicebridge.expressions.functions import FUNCTIONS
from spicebridge.laws.verilog_text import at_depth_zero, closing, terms
from spicebridge.laws.words import taken

QUIET = ("strobe", "display", "write", "monitor", "debug", "info", "warning", "discontinuity", "bound_step")
"""System tasks that change no equation."""
KELVIN = 300.15
POWER = {"powered(x, y)": "(x < 0 && floor(y/2)*2 != y ? -1 : 1)*abs(x)^y"}
"""x^y for every whole y; Verilog-A has no value for another y where x < 0."""
UNITS = {"one_volt": "1 V", "one_ampere": "1 A", "one_hertz": "1 Hz"}
RENAMED = {"log": "log10", "limexp": "exp"}
"""Names here of functions that are called otherwise there."""
WORDS = frozenset(FUNCTIONS) - {"table", "limit", "sgn", "u", "uramp", "int", "nint"} | {"pow"}
_BLANK = re.compile(
    r"//[^\n]*|/\*.*?\*/|\(\*.*?\*\)|^[ \t]*`(?:include|resetall|timescale)[^\n]*", re.DOTALL | re.MULTILINE
)
_DEFINE = re.compile(r"^[ \t]*`define[ \t]+(\w+)(\()?([^\n]*)", re.MULTILINE)
_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+|[TGMKkmunpfa](?!\w))?)|(?P<system>\$\w+)|(?P<macro>`\w+)"
    r"|(?P<word>[A-Za-z_]\w*)|(?P<other>.)",
    re.DOTALL,
)
_SCALE = {"T": "e12", "G": "e9", "M": "e6", "K": "e3", "k": "e3", "m": "e-3", "u": "e-6", "n": "e-9", "p": "e-12"}
_SCALE |= {"f": "e-15", "a": "e-18"}
_ACCESS = re.compile(r"\b([VI])\s*\(\s*(\w+)\s*(?:,\s*(\w+)\s*)?\)")
_WHOLE_DIVISION = re.compile(r"(?<![\w.])\d+\s*/\s*\d+(?![\w.])")


class HiddenState(LawError):
    """A variable that remembers."""


@dataclass(frozen=True, kw_only=True)
class Module:
    """What a module is called, its pins, the node of its state, its parameters: name in the law -> in the module."""

    name: str
    pins: tuple[str, ...]
    state: str
    parameters: Mapping[str, str]
    entries: Mapping[str, object] = field(repr=False)
    text: str = field(repr=False)

    def with_state_as_pin(self) -> str:
        """The text, with the node of the state among the pins, so that a circuit can start and see it."""
        if self.state in self.pins:
            return self.text
        head = re.search(rf"\bmodule\s+{self.name}\s*\(([^)]*)\)\s*;", self.text)
        assert head is not None
        pins = f"module {self.name}({head[1].strip()}, {self.state}); inout {self.state};"
        return self.text[: head.start()] + pins + self.text[head.end() :]


def module_entries(text: str, name: str, of_device: frozenset[str]) -> dict[str, object]:
    """The entries of the law text of a module. Raises `LawError` with the line of what is not understood."""
    module = read_module(text, name, of_device)
    return {**module.entries, "veriloga": text, "module": module.name}


@functools.lru_cache(maxsize=64)
def read_module(text: str, name: str, of_device: frozenset[str]) -> Module:
    """The module `name` of a text, or its only one; no parameter takes a name `of_device`."""
    return _Reader(text, name, taken(of_device)).module()


class _Reader:
    def __init__(self, text: str, name: str, words: frozenset[str]) -> None:
        self.source = text
        plain = _BLANK.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)
        self.macros = {m[1]: m[3].strip() for m in _DEFINE.finditer(plain) if not m[2]}
        plain = _DEFINE.sub(lambda m: " " * len(m[0]), plain)
        found = {m[1]: m for m in re.finditer(r"\bmodule\s+(\w+)\s*\(([^)]*)\)\s*;", plain)}
        if not found or (name and name not in found):
            raise LawError(
                f"no Verilog-A module{f' {name!r}' if name else ''} is here; it has {', '.join(found) or 'none'}"
            )
        if len(found) > 1 and not name:
            raise LawError(f"has the modules {', '.join(found)}; keep one in the file")
        head = found[name] if name else next(iter(found.values()))
        end = plain.find("endmodule", head.end())
        self.name = head[1]
        self.pins = tuple(re.sub(r"\b(inout|input|output|electrical)\b", "", p).strip() for p in head[2].split(","))
        self.text = plain[: end if end >= 0 else len(plain)]
        self.at = head.end()
        self.names: dict[str, str] = {}
        self.taken = {*words, *UNITS, "powered", "volts", "amperes", "slope", "decay"}
        self.branches: dict[str, tuple[str, str]] = {}
        self.ground: set[str] = set()
        self.parameters: dict[str, str] = {}
        self.lets: dict[str, str] = {}
        self.sums: dict[tuple[str, str, str], list[str]] = {}
        self.why: dict[str, str] = {}
        self.state = ""

    def fail(self, message: str, at: int | None = None, kind: type[LawError] = LawError) -> LawError:
        where = self.at if at is None else at
        line = self.source.count("\n", 0, where) + 1
        start = self.source.rfind("\n", 0, where) + 1
        shown = self.source[start:].partition("\n")[0]
        return kind(f"line {line}, column {where - start + 1}: {message}\n    {shown}\n    {' ' * (where - start)}^")

    # text

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def take(self, pattern: str) -> re.Match[str] | None:
        self.skip()
        found = re.compile(pattern, re.DOTALL).match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def until(self, end: str) -> tuple[str, int]:
        """The text up to `end` at the depth of here, which is passed, and its offset."""
        self.skip()
        start, depth = self.at, 0
        while self.at < len(self.text):
            c = self.text[self.at]
            if depth == 0 and c == end:
                self.at += 1
                return self.text[start : self.at - 1], start
            depth += (c in "([{") - (c in ")]}")
            self.at += 1
        raise self.fail(f"{end!r} is missing after this", start)

    def fresh(self, word: str) -> str:
        """A name that no other one has when case folds."""
        name, n = word.strip("_") or "x", 1
        while name.lower() in self.taken:
            n += 1
            name = f"{word.strip('_')}_{n}"
        self.taken.add(name.lower())
        return name

    # declarations

    def module(self) -> Module:
        # The state has to be known before its voltage is read.
        rates = [m.end() - 1 for m in re.finditer(r"\bddt\s*\(", self.text)]
        charged = {a[2] for at in rates for a in _ACCESS.finditer(self.text[at : closing(self.text, at)])}
        if len(self.pins) < 2:
            raise self.fail(f"module {self.name} has {len(self.pins)} pins; a memristor has two terminals first")
        charged -= set(self.pins[:2])
        if len(charged) != 1:
            shown = ", ".join(sorted(charged)) or "no node"
            raise self.fail(
                f"{shown} of module {self.name} holds a charge; a device here has one state, I(x) <+ ddt(V(x)) - rate"
            )
        self.state = charged.pop()
        unknown = [pin for pin in self.pins[2:] if pin not in (self.state, "drift")]
        if unknown:
            raise self.fail(
                f"pin {unknown[0]!r} is not understood; after two terminals a model may have its state and drift"
            )
        self.state_name = self.names[self.state] = self.fresh(self.state)
        env: dict[str, str] = {}
        self.skip()
        while self.at < len(self.text):
            self.declaration(env)
            self.skip()
        return Module(
            name=self.name,
            pins=self.pins,
            state=self.state,
            parameters=self.renamed(),
            entries=self.entries(),
            text=self.source,
        )

    def renamed(self) -> dict[str, str]:
        return {self.names[word]: word for word in self.parameters}

    def declaration(self, env: dict[str, str]) -> None:
        if self.take(r"analog\b(?!\s+function)"):
            self.statement(env)
        elif self.take(r"(?:parameter|localparam)\b"):
            local = self.text[self.at - 10 : self.at] == "localparam"
            body, at = self.until(";")
            self.parameter(body, at, env, local=local)
        elif self.take(r"(?:inout|input|output|electrical)\b"):
            self.until(";")
        elif self.take(r"ground\b"):
            self.ground |= set(re.findall(r"\w+", self.until(";")[0]))
        elif found := self.take(r"branch\s*\(\s*(\w+)\s*(?:,\s*(\w+)\s*)?\)"):
            for name in re.findall(r"\w+", self.until(";")[0]):
                self.branches[name] = (found[1], found[2] or "")
        elif self.take(r"(?:real|genvar)\b"):
            self.variables(env)
        else:
            word = self.take(r"\w+|.")
            raise self.fail(
                f"{word[0] if word else ''!r} is not understood here", self.at - len(word[0] if word else "")
            )

    def parameter(self, body: str, at: int, env: dict[str, str], *, local: bool) -> None:
        found = re.match(
            r"\s*(?:real\b|integer\b)?\s*(\w+)\s*=\s*(.*?)\s*(?:(?:from|exclude)\b(.*))?$", body, re.DOTALL
        )
        if found is None:
            raise self.fail("one parameter a statement: parameter real name = number;", at)
        word, value, allowed = found[1], found[2], found[3] or ""
        if local:
            self.assign(word, value, at, env)
            return
        number = self.number(value, at)
        if number is None:
            raise self.fail(f"parameter {word!r} has the default {value!r}; a law's default is a number", at)
        rules = []
        bounds = re.match(r"\s*([(\[])\s*([^:]+?)\s*:\s*(.+?)\s*([)\]])", allowed)
        if bounds:
            for text, sign, equal in ((bounds[2], ">", bounds[1] == "["), (bounds[3], "<", bounds[4] == "]")):
                bound = None if "inf" in text else self.number(text, at)
                if bound is not None:
                    rules.append(f"{sign}{'=' if equal else ''} {bound!r}")
        self.names[word] = self.fresh(word)
        self.parameters[word] = ", ".join([f"{number!r} 1", *rules])
        env[word] = self.names[word]

    def number(self, text: str, at: int) -> float | None:
        try:
            return float(self.words(text, at, {}))
        except (LawError, ValueError):
            return None

    def variables(self, env: dict[str, str]) -> None:
        body, at = self.until(";")
        for part in body.split(","):
            word, sign, value = (x.strip() for x in part.partition("="))
            if sign:
                self.assign(word, value, at, env)
            else:
                self.why.setdefault(word, "")

    # the analog block

    def statement(self, env: dict[str, str], guard: str = "") -> None:
        start = self.at
        if self.take(r"begin\b(?:\s*:\s*\w+)?"):
            while not self.take(r"end\b"):
                if self.at >= len(self.text):
                    raise self.fail("end is missing", start)
                self.statement(env, guard)
        elif self.take(r"if\s*\("):
            self.branch(env, guard)
        elif self.take(r"@\s*\("):
            self.until(")")
            inside = dict(env)
            self.statement(inside, guard)
            for word in inside:
                if inside[word] != env.get(word):
                    env.pop(word, None)
                    self.why[word] = "an event sets it, and it keeps that value"
        elif self.take(r"real\b"):
            self.variables(env)
        elif found := self.take(r"\$(\w+)\s*(?=[(;])"):
            if found[1] not in QUIET:
                raise self.fail(f"${found[1]} is not understood", found.start())
            self.until(";")
        elif found := self.take(r"([VI])\s*\(\s*(\w+)\s*(?:,\s*(\w+)\s*)?\)\s*<\+"):
            body, at = self.until(";")
            self.contribute(found, body, at, env, guard)
        elif found := self.take(r"(\w+)\s*=(?!=)"):
            body, at = self.until(";")
            self.assign(found[1], body, at, env)
        elif not self.take(r";"):
            here = self.take(r"\w+|.")
            raise self.fail(f"{here[0] if here else ''!r} is no statement that is read here", start)

    def branch(self, env: dict[str, str], guard: str) -> None:
        body, at = self.until(")")
        test = self.let("test", self.expression(body, at, env))
        yes, no = dict(env), dict(env)
        self.statement(yes, f"{guard} && {test}" if guard else test)
        if self.take(r"else\b"):
            self.statement(no, f"{guard} && !{test}" if guard else f"!{test}")
        for word in {**yes, **no}:
            if word not in yes or word not in no:
                env.pop(word, None)
                self.why[word] = "only one side of a condition sets it"
            elif yes[word] != no[word]:
                env[word] = self.let(word, f"{test} ? {yes[word]} : {no[word]}")
            else:
                env[word] = yes[word]

    def assign(self, word: str, body: str, at: int, env: dict[str, str]) -> None:
        env[word] = self.let(word, self.expression(body, at, env))

    def let(self, word: str, text: str) -> str:
        name = self.fresh(word)
        self.lets[name] = text
        return name

    def contribute(self, found: re.Match[str], body: str, at: int, env: dict[str, str], guard: str) -> None:
        plus, minus = self.nodes(found[2], found[3])
        if found[1] == "V" and guard:
            raise self.fail("a voltage under a condition is a switch; give the current", found.start())
        text = body
        if "ddt" in body:
            text, load = self.without_charge(body, at, env)
            self.sums.setdefault(("C", self.state, ""), []).append(load)
        value = self.expression(text, at, env, own=found[1])
        self.sums.setdefault((found[1], plus, minus), []).append(f"{guard} ? {value} : 0" if guard else value)

    def nodes(self, first: str, second: str | None) -> tuple[str, str]:
        plus, minus = self.branches.get(first, (first, second or "")) if second is None else (first, second)
        return plus, "" if minus in self.ground else minus

    def without_charge(self, body: str, at: int, env: dict[str, str]) -> tuple[str, str]:
        """A contribution without its term with ddt, and the capacitance of that term."""
        rest, load = "", ""
        for sign, term in terms(body):
            if "ddt" not in term:
                rest += f" {sign} {term}"
                continue
            found = re.search(r"\bddt\s*\(", term)
            close = closing(term, found.end() - 1) if found else -1
            inside = term[found.end() : close] if found else ""
            one = _ACCESS.sub("1.0", inside)
            product = not any(c in "+-" for _, c in at_depth_zero(re.sub(r"[eE][+-]", "", one)))
            if found is None or len(_ACCESS.findall(inside)) != 1 or not product:
                raise self.fail(f"ddt({inside}) is not understood; write C*ddt(V({self.state}))", at)
            text = term[: found.start()] + f"({one})" + term[close + 1 :]
            load += f" {sign} {self.expression(text, at, env)}"
        return rest or "0.0", load

    def expression(self, text: str, at: int, env: Mapping[str, str], own: str = "") -> str:
        """The text in the language of laws, in brackets. Raises for what no law has."""
        if _WHOLE_DIVISION.search(text):
            raise self.fail("whole numbers are divided as whole numbers in Verilog-A; write a decimal point", at)
        text = _ACCESS.sub(lambda m: self.signal(m, at), text)
        return f"({self.words(text, at, env)})"

    def words(self, text: str, at: int, env: Mapping[str, str]) -> str:
        out = []
        for token in _TOKEN.finditer(text):
            word = token[0]
            if token["number"]:
                word = word[:-1] + _SCALE[word[-1]] if word[-1] in _SCALE else word
            elif token["macro"]:
                if word[1:] not in self.macros:
                    raise self.fail(f"macro {word} is not defined here", at)
                word = self.expression(self.macros[word[1:]], at, env)
            elif token["system"]:
                word = self.system(word, at)
            elif token["word"] and word.startswith("law__"):
                word = word[5:]
            elif token["word"]:
                rest = text[token.end() :].lstrip()
                word = self.word(word, at, env, called=rest.startswith("("))
                if word == "pow" and not re.search(r",\s*[-+]?\d+(\.0*)?\s*$", rest[: closing(rest, 0)]):
                    word = "powered"
            out.append(word)
        return "".join(out)

    def word(self, word: str, at: int, env: Mapping[str, str], *, called: bool) -> str:
        if called:
            word = RENAMED.get(word, word)
            if word not in WORDS:
                remedy = (
                    f"; write the state as a node, I({word[:1]}) <+ ddt(V({word[:1]})) - rate" if "idt" in word else ""
                )
                raise self.fail(f"function {word!r} is not understood{remedy}", at)
            return word
        if word in env:
            return env[word]
        if word in self.why:
            why = self.why[word] or "it is read before it is set"
            raise self.fail(
                f"variable {word!r} keeps a value from one evaluation to the next ({why}): a hidden state; make it the "
                "voltage of a node",
                at,
                HiddenState,
            )
        raise self.fail(f"{word!r} is not declared", at)

    def system(self, word: str, at: int) -> str:
        if word == "$temperature":
            return str(KELVIN)
        if word == "$vt":
            return str(1.380649e-23 * KELVIN / 1.602176634e-19)
        raise self.fail(f"{word} is not understood; a law knows its voltage and its state alone", at)

    def signal(self, found: re.Match[str], at: int) -> str:
        plus, minus = self.nodes(found[2], found[3])
        p, n = self.pins[:2]
        kind = found[1]
        if {plus, minus} == {p, n}:
            return f"({'-' if plus == n else ''}law__{'volts' if kind == 'V' else 'amperes'})"
        if kind == "V" and (plus, minus) == (self.state, ""):
            return f"law__{self.state_name}"
        raise self.fail(f"{found[0]} is not known to a device: it has V({p},{n}), I({p},{n}) and V({self.state})", at)

    # the law

    def entries(self) -> dict[str, object]:
        p, n = self.pins[:2]
        load = self.sums.pop(("C", self.state, ""), ["0"])
        rate = [*self.sums.pop(("I", self.state, ""), []), *self.sums.pop(("I", "drift", ""), [])]
        forward, backward = self.sums.pop(("I", p, n), []), self.sums.pop(("I", n, p), [])
        drop = self.sums.pop(("V", p, n), [])
        if self.sums:
            kind, plus, minus = next(iter(self.sums))
            shown = f"{kind}({plus}{',' if minus else ''}{minus})"
            raise self.fail(f"{shown} <+ is not understood; a device has I({p},{n}) and I({self.state})", 0)
        if drop and not (forward or backward):
            if len(drop) != 1 or drop[0].count("amperes") != 1:
                raise self.fail(f"V({p},{n}) must be one product of a resistance and I({p},{n})", 0)
            self.lets["ohms(amperes_1)"] = drop[0].replace("amperes", "amperes_1")
            _proportional(drop[0], self)
            current = "volts/ohms(1)"
        elif forward or backward:
            current = " + ".join([*forward, *(f"-{term}" for term in backward)])
        else:
            raise self.fail(f"no current I({p},{n}) is given", 0)
        if re.search(r"\bamperes\b", current):
            raise self.fail(f"I({p},{n}) is given by itself", 0)
        lets = {**UNITS, "volts": "v/one_volt", "amperes": "i/one_ampere"} | POWER | self.lets
        entries: dict[str, object] = {
            "title": f"Verilog-A module {self.name}",
            "state": {"name": self.state_name, "range": "none"},
            "current": f"one_ampere*({current})",
            "rate": f"-one_hertz*({' + '.join(rate) or '0'})/({' '.join(load)})",
            "window": "none",
            "let": lets,
            "parameters": {self.names[word]: text for word, text in self.parameters.items()},
        }
        return entries


def _proportional(text: str, reader: _Reader) -> None:
    """Raise unless the current is a factor of the only term."""
    inner = text.strip()
    while inner.startswith("(") and closing(inner, 0) == len(inner) - 1:
        inner = inner[1:-1].strip()
    factors = [c for _, c in at_depth_zero(re.sub(r"[eE][+-]", "", inner)) if c in "+-"]
    outside = re.sub(r"\(law__amperes\)|\(amperes\)", "amperes", inner)
    flat = "".join(c for _, c in at_depth_zero(outside))
    if factors or "amperes" not in flat or re.search(r"/\s*amperes", flat):
        raise reader.fail("a voltage must be one product of a resistance and the current", 0)
