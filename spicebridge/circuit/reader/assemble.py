"""Cards -> Deck: scopes, includes, directives, and the checks that need the whole deck."""

from __future__ import annotations

from dataclasses import replace

from spicebridge.circuit.deck import elements as ir
from spicebridge.circuit.deck.contents import with_trees
from spicebridge.circuit.deck.parameter_scopes import constant
from spicebridge.circuit.reader.card_tokens import (
    definitions,
    directive_kind,
    first_word,
    scan_directive,
    scan_element,
)
from spicebridge.circuit.reader.cards import CardReader
from spicebridge.circuit.reader.includes import Includes
from spicebridge.circuit.reader.keywords import CHANGING, CHANGING_OPTIONS, DIRECTIVES, SHOWING
from spicebridge.circuit.reader.languages import INTEGRAL
from spicebridge.circuit.reader.lines import NetlistCard, Remark
from spicebridge.circuit.reader.parsed_cards import USAGE, Assignment, DotCard, Plain, Raw
from spicebridge.circuit.reader.rules import ReadingRules
from spicebridge.circuit.reader.scope_stack import CardPlaces, Frame
from spicebridge.errors import DeckError, UnsafeDeck, nearest
from spicebridge.expressions.parse import Spelling
from spicebridge.expressions.tokens import Token
from spicebridge.expressions.tree import BranchCurrent, Call, Expression, NodeVoltage, Number, Value, rebuild, walk

MAX_SUBCIRCUIT_NESTING = 50
"""Deepest .subckt definition inside another."""


_GLOBALS = ("PARAM", "FUNC", "TRAN")


class Assembler:
    """Reads cards in order; `deck` and `subcircuits` give what was read."""

    def __init__(self, dialect: ReadingRules, includes: Includes, *, library: bool = False) -> None:
        self.dialect = dialect
        self.includes = includes
        self.spelling = Spelling()
        self.reader = CardReader(dialect, self.spelling)
        self.values = self.reader.values
        self.sources = CardPlaces()
        self.top = Frame("", "", None)
        self.frames = [self.top]
        self.options: dict[str, Value | str | None] = {}
        self.save: dict[str, None] = {}
        self.deck_header: tuple[str, ...] = ()
        self.library = library
        self._remarks: list[str] = []
        self.shared: dict[str, None] = {}
        self._fresh = True
        self._ambiguous: set[str] = set()
        self._warm = False

    # reading

    def read(self, cards: list[NetlistCard | Remark]) -> None:
        """Read all cards; raises located `DeckError` or `UnsafeDeck`."""
        items = list(self.includes.expand(cards, self.reader))
        self._globals_first(items)
        for item in items:
            if isinstance(item, Remark):
                self._remark(item)
                continue
            word, offset = first_word(item)
            if word[0] == ".":
                self._directive(item, word, offset)
            else:
                self._element(item, word, offset)
            self._fresh = True
        if len(self.frames) > 1:
            frame = self.frames[-1]
            assert frame.card is not None
            frame.card.fail(0, f"subcircuit {frame.name} is never closed; write .ends {frame.name}")
        self._check_functions()
        for place, token in self.reader.coefficients if self._warm else ():
            place.fail(
                token.offset, "a coefficient of temperature, and the options set one; write the value it then has"
            )

    def _remark(self, remark: Remark) -> None:
        """Keep the comment lines that may head a subcircuit; in a library they hold until the next ones."""
        if remark.text is None:
            if not self.library:
                self._remarks.clear()
            return
        if self._fresh:
            self._remarks.clear()
            self._fresh = False
        self._remarks.append(remark.text)

    def _header(self) -> tuple[str, ...]:
        return tuple(self._remarks) if self.library or not self._fresh else ()

    def _globals_first(self, items: list[NetlistCard | Remark]) -> None:
        """Parameters, functions, then .tran, which gives defaults to waveforms that may stand before it."""
        depth = 0
        transients = []
        for item in items:
            if not isinstance(item, NetlistCard) or item.text.lstrip()[:1] != ".":
                continue
            word, offset = first_word(item)
            kind = DIRECTIVES.get(word.lower())
            if kind == "SUBCKT":
                depth += 1
            elif kind == "ENDS":
                depth -= 1
            elif depth == 0 and kind in ("PARAM", "FUNC"):
                for what, part in definitions(item, kind, offset + len(word)):
                    tokens = scan_directive(part, what, word, offset, ngspice=self.values.ngspice)
                    getattr(self, f"_{what.lower()}")(part, self.reader.directive(part, tokens))
            elif depth == 0 and kind == "TRAN":
                transients.append((item, word, offset))
        transients += self._commands(known=bool(transients))
        for item, word, offset in transients:
            self._transient(item, self.reader.directive(item, scan_directive(item, "TRAN", word, offset)))

    def _commands(self, *, known: bool) -> list[tuple[NetlistCard, str, int]]:
        """The `tran` of the blocks of commands where the deck has no .tran, and notes on what was left out."""
        found: list[tuple[NetlistCard, str, int]] = []
        for head, inside in self.reader.commands:
            words = {(first_word(card)[0].lower() if card.text.strip() else "") for card in inside}
            runs = [card for card in inside if card.text.split()[:1] and card.text.split()[0].lower() == "tran"]
            changing = sorted(words & CHANGING)
            text = f"{head.file.name}:{head.line}: the block of commands was left out and is never run"
            if runs and not known:
                found = [(runs[0], first_word(runs[0])[0], first_word(runs[0])[1])]
                known = True
                text += f"; its {' '.join(runs[0].text.split())!r} is taken for the analysis"
                text += f", the first of {len(runs)}" if len(runs) > 1 else ""
            elif not known:
                text += "; it has no tran either, so there is no analysis"
            if changing:
                text += f"; it also changes the circuit ({', '.join(changing)}), which is read as its cards say"
            self.values.notes.append(text)
        return found

    def _element(self, card: NetlistCard, word: str, offset: int) -> None:
        tokens = scan_element(card, word, offset, bare_resistance=self.dialect.bare_expressions)
        element, *further = self.reader.elements(card, tokens)
        if card.comment:
            element = replace(element, comment=card.comment)
        frame = self.frames[-1]
        element = self._integrals(card, offset, element)
        for other in further:
            self._once(card, offset, "element", other.name)
        if element.name.lower() == word.lower():
            self._once(card, offset, "element", word)
        else:
            self._once(card, offset, "element", element.name)
            frame.renamed[word.lower()] = element.name
        frame.elements += [element, *further]

    def _integrals(self, card: NetlistCard, offset: int, element: ir.Element) -> ir.Element:
        """Integrals over time in an expression become voltages of states of their own."""
        return with_trees(element, lambda tree: rebuild(tree, lambda e: self._integral(card, offset, element.name, e)))

    def _integral(self, card: NetlistCard, offset: int, owner: str, e: Expression) -> Expression | None:
        if not isinstance(e, Call) or e.function != INTEGRAL:
            return None
        frame = self.frames[-1]
        frame.integrals += 1
        node = self.spelling.node(f"{owner}_int{frame.integrals}")
        start = e.arguments[1] if len(e.arguments) > 1 else Number(0.0)
        source = ir.BehaviouralCurrent(f"B{node}", "0", node, e.arguments[0])
        store = ir.CapacitorElement(f"C{node}", node, "0", 1.0)
        for part in (source, store):
            self._once(card, offset, "element", part.name)
            frame.elements.append(part)
        frame.initial[node] = start.value if isinstance(start, Number) else start
        return NodeVoltage(node)

    def _once(self, card: NetlistCard, offset: int, kind: str, name: str) -> None:
        table = self.sources.table(self.frames[-1].scope, kind)
        folded = name.lower()
        before = table.get(folded)
        if before is not None:
            where = f"line {before.line} of {before.file.name}"
            card.fail(offset, f"{kind} {name} is defined a second time (first in {where}); rename or remove one")
        table[folded] = card

    # dot-cards

    def _directive(self, card: NetlistCard, word: str, offset: int) -> None:
        kind = directive_kind(card, word, offset)
        if kind is None:
            self.values.notes.append(f"{card.file.name}:{card.line}: {word} was left out: it is harmless")
            return
        if kind in _GLOBALS and len(self.frames) == 1:
            return
        inside = len(self.frames) > 1
        if inside and kind in ("TRAN", "OPTIONS", "SAVE", "PRINT", "SHARED"):
            card.fail(offset, f"{word} inside a subcircuit; put it outside")
        try:
            for what, part in definitions(card, kind, offset + len(word)):
                tokens = scan_directive(part, what, word, offset, ngspice=self.values.ngspice, inside=inside)
                getattr(self, f"_{what.lower()}")(part, self.reader.directive(part, tokens))
        except DeckError as error:
            # What is printed or shown is no part of the circuit.
            if word.lower() not in SHOWING or isinstance(error, UnsafeDeck):
                raise
            self.values.notes.append(f"{card.file.name}:{card.line}: {word} was left out: it chooses what is shown")

    def _model(self, card: NetlistCard, record: DotCard) -> None:
        name, kind, *given = record.parts
        self._once(card, name.offset, "model", name.text)
        spelled = self.spelling.models.setdefault(name.text.lower(), name.text)
        parameters = self.reader.pairs(record.token, given)
        self.frames[-1].models.append(ir.Model(spelled, kind.text.lower(), parameters))

    def _transient(self, card: NetlistCard, record: DotCard) -> None:
        if self.values.tran is not None:
            card.fail(record.token.offset, "a second .tran; keep one")
        named = {p.name.text.lower(): p for p in record.parts if isinstance(p, Assignment)}
        given = [raw for raw in record.parts if not isinstance(raw, Assignment)]
        words = [raw.token for raw in given if type(raw) is Plain and raw.token.text[:1].isalpha()]
        uic = self._transient_words(words)
        times = [self._time(raw) for raw in given if raw.token not in words]
        loose = self.dialect.tran == "loose"
        if not 1 <= len(times) <= 4 or (len(times) == 1 and not loose):
            card.fail(record.token.offset, f"{len(times)} times; write {USAGE['TRAN']}")
        if self.dialect.tran == "start=":
            if len(times) > 2:
                card.fail(record.token.offset, "further times are steps of later spans to HSPICE; write one span")
            if "start" in named:
                times.append(self._time(named.pop("start").value))
        for part in named.values():
            self.values.fail(part.name, f"{part.name.text!r} of .tran is not read; write {USAGE['TRAN']}")
        if len(times) == 1:
            times = [0.0, *times]
        step, stop, start, ceiling = (*times, 0.0, 0.0)[:4]
        if step <= 0.0 and loose:
            step = ceiling or (stop - start) / 50.0
            self.values.note(record.token, f"no print step is given, {step:g} s is taken")
        if not (step > 0.0 and stop > start >= 0.0 and ceiling >= 0.0):
            hint = "" if step > 0.0 or loose else " (a step of 0 is LTspice's way: say dialect ltspice)"
            card.fail(record.token.offset, f"0 < step, 0 <= start < stop and 0 <= ceiling must hold{hint}")
        self.values.tran = ir.Transient(step=step, stop=stop, start=start, max_step=ceiling or None, uic=uic)

    def _transient_words(self, words: list[Token]) -> bool:
        """Whether .tran says uic (PSpice: skipbp); raises for words that would change the run."""
        uic = False
        for token in words:
            word = token.text.lower()
            if word in ("uic", "skipbp"):
                uic = True
            elif word == "startup" and self.dialect.tran == "loose":
                self.values.note(
                    token, "startup was left out: LTspice ramps its sources over the first 20 us, here they are on"
                )
            elif word == "nodiscard" and self.dialect.tran == "loose":
                self.values.note(token, "nodiscard was left out: it chooses what is stored")
            else:
                self.values.fail(token, f"{token.text!r} of .tran is not read; write {USAGE['TRAN']}")
        return uic

    def _time(self, raw: Raw) -> float:
        value = self.values.constant(raw)
        if isinstance(value, float):
            return value
        try:
            return constant(value, tuple(self.top.local.items()), tuple(self.top.functions))
        except DeckError as error:
            self.values.fail(raw.token, str(error))

    def _options(self, card: NetlistCard, record: DotCard) -> None:
        for name, raw in record.parts:
            key = name.text.lower()
            self._warm |= key in ("temp", "tnom")
            if key in CHANGING_OPTIONS and (raw is None or self.values.constant(raw) != 0.0):
                remedy = "write these elements, or take the option away"
                self.values.fail(name, f"option {name.text} {CHANGING_OPTIONS[key]}; {remedy}")
        if self.dialect.own_options:
            self.values.note(record.token, f"{record.token.text} was left out: options of {self.dialect.name}'s own")
            return
        for name, raw in record.parts:
            key = name.text.lower()
            if key in self.options:
                self.values.fail(name, f"option {name.text} is set a second time; keep one")
            self.options[key] = None if raw is None else self._option(raw)
            self.sources.table("", "option")[key] = card

    def _option(self, raw: Raw) -> Value | str:
        if type(raw) is Plain and not raw.token.text[:1].isdigit() and raw.token.text[:1] not in "+-.":
            return str(raw.token.text.lower())
        return self.values.constant(raw)

    def _initial(self, card: NetlistCard, record: DotCard) -> None:
        frame = self.frames[-1]
        for what, node, raw in record.parts:
            if what.text.lower() != "v":
                self.values.fail(what, f".ic sets v(node) only, not {what.text}(…); use IC= on the inductor")
            name = self.spelling.node(node.text.replace(self.dialect.levels, "."))
            if name in frame.initial:
                self.values.fail(node, f"the initial voltage of {node.text} is given a second time; keep one")
            frame.initial[name] = self.values.constant(raw)
            self.sources.table(frame.scope, "initial condition")[name.lower()] = card

    def _param(self, card: NetlistCard, record: DotCard) -> None:
        frame = self.frames[-1]
        if not record.parts:
            card.fail(record.token.offset, f"{record.token.text} defines nothing; write name=value")
        for part in record.parts:
            self._once(card, part.name.offset, "parameter", part.name.text)
        frame.local.update(self.reader.pairs(record.token, list(record.parts)))

    def _func(self, card: NetlistCard, record: DotCard) -> None:
        name, *rest = record.parts
        arguments, raw = rest[:-1], rest[-1]
        folded = name.text.lower()
        self._once(card, name.offset, "function", name.text)
        if folded in self.dialect.behavioural.functions:
            self.values.fail(name, f"function {name.text} has the name of a built-in one; rename it")
        spelled = self.spelling.functions.setdefault(folded, name.text)
        formal = tuple(self.spelling.parameters.setdefault(a.text.lower(), a.text) for a in arguments)
        body = self.values.behaviour_of(raw)
        if any(isinstance(e, Call) and e.function == INTEGRAL for e in walk(body)):
            self.values.fail(name, f"function {name.text}: integrals over time stand in sources only; write it there")
        self._no_formal_nodes(name, formal, body)
        if self.values.reads_differently(raw, body):
            self._ambiguous.add(folded)
        self.frames[-1].functions.append(ir.Function(spelled, formal, body))

    def _no_formal_nodes(self, name: Token, formal: tuple[str, ...], body: Expression) -> None:
        names = {x.lower() for x in formal}
        for e in walk(body):
            used = (
                (e.plus, e.minus) if isinstance(e, NodeVoltage) else (e.source,) if isinstance(e, BranchCurrent) else ()
            )
            for word in used:
                if word.lower() in names:
                    self.values.fail(
                        name, f"function {name.text}: argument {word} stands for a node; only values can be passed"
                    )

    def _subckt(self, card: NetlistCard, record: DotCard) -> None:
        words = [p for p in record.parts if isinstance(p, Token) and p.kind == "WORD"]
        given = [p for p in record.parts if isinstance(p, Assignment)]
        if not words:
            card.fail(record.token.offset, "a subcircuit needs a name; write .subckt name pins…")
        name = self.spelling.subcircuits.setdefault(words[0].text.lower(), words[0].text)
        self._once(card, words[0].offset, "subcircuit", words[0].text)
        if len(self.frames) > MAX_SUBCIRCUIT_NESTING:
            card.fail(words[0].offset, f"subcircuits nested more than {MAX_SUBCIRCUIT_NESTING} deep; take them out")
        pins = tuple(self.spelling.node(w.text) for w in words[1:])
        for k, pin in enumerate(pins):
            if pin in pins[:k]:
                self.values.fail(words[k + 1], f"pin {pin} of subcircuit {name} stands twice; rename one")
        scope = f"{self.frames[-1].scope}.{name.lower()}".lstrip(".")
        parameters = self.reader.pairs(record.token, given)
        self.sources.table(scope, "parameter").update({key.lower(): card for key, _ in parameters})
        self.frames.append(Frame(name, scope, card, pins, parameters, self._header()))

    def _ends(self, card: NetlistCard, record: DotCard) -> None:
        if len(self.frames) == 1:
            card.fail(record.token.offset, ".ends without .subckt; remove it")
        frame = self.frames.pop()
        if record.parts and record.parts[0].text.lower() != frame.name.lower():
            token = record.parts[0]
            card.fail(token.offset, f".ends {token.text} closes subcircuit {frame.name}; write .ends {frame.name}")
        self.frames[-1].subcircuits.append(frame.subcircuit(frame.finished(every_current=self.dialect.every_current)))

    def _save(self, card: NetlistCard, record: DotCard) -> None:
        for vector in record.parts:
            self._add_vector(card, vector)

    def _print(self, card: NetlistCard, record: DotCard) -> None:
        analysis, *vectors = record.parts
        if analysis.text.lower() != "tran":
            self.values.note(record.token, f"{record.token.text} of another analysis than tran was left out")
            return
        for vector in vectors:
            if isinstance(vector, (Assignment, Token)):
                continue
            self._add_vector(card, vector)

    def _shared(self, card: NetlistCard, record: DotCard) -> None:
        for token in record.parts:
            self.shared.setdefault(self.spelling.node(token.text))

    def _add_vector(self, card: NetlistCard, words: tuple[Token, ...]) -> None:
        head, *inner = (w.text.lower() for w in words)
        if not inner:
            names = [head]
        elif head == "v" and len(inner) <= 2:
            names = [f"v({node})" for node in inner]
        elif head == "i" and len(inner) == 1:
            names = [f"i({inner[0]})"]
        else:
            self.values.fail(words[0], f"vector {head}({','.join(inner)}) is not read; save v(node) and i(source)")
        for name in names:
            self.save.setdefault(name)
            self.sources.table("", "vector").setdefault(name, card)

    def _saved(self) -> tuple[str, ...]:
        """Currents of E sources that became B sources follow the new name."""
        new = {f"i({old})": f"i({name.lower()})" for old, name in self.top.renamed.items()}
        return tuple(new.get(name, name) for name in self.save)

    # checks of the whole

    def _check_functions(self) -> None:
        known = {name for (_, kind), names in self.sources.cards.items() if kind == "function" for name in names}
        for card, token, fixed in self.values.called:
            folded = token.text.lower()
            if folded not in known:
                language = self.dialect.constant if fixed else self.dialect.behavioural
                hint = nearest(folded, [*language.functions, *known])
                card.fail(token.offset, f"function {token.text!r} is unknown{hint}; define it with .func")
            if fixed and folded in self._ambiguous:
                card.fail(
                    token.offset,
                    f"function {token.text!r} uses powers that mean something else in parameters than in "
                    "B sources; write them as products",
                )

    def deck(self, title: str) -> ir.Deck:
        """The deck that was read."""
        top = self.top
        return ir.Deck(
            title=title,
            elements=top.finished(every_current=self.dialect.every_current),
            header=self.deck_header,
            parameters=tuple(top.local.items()),
            functions=tuple(top.functions),
            models=tuple(top.models),
            subcircuits=tuple(top.subcircuits),
            initial_conditions=tuple(top.initial.items()),
            options=tuple(self.options.items()),
            transient=self.values.tran,
            save=self._saved(),
            global_nodes=tuple(self.shared),
            notes=tuple(self.values.notes),
            sources=self.sources,
        )
