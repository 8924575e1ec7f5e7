"""LALR parsing of token sequences, remembered by shape.

What a LALR parser does depends on the kinds of the tokens alone, never on their text. A netlist of
100,000 cards has a few dozen such shapes, so each shape goes through lark once and leaves a short
program (push this token, apply that rule), which then builds every card of the same shape. lark reads
the grammar; the speed is that of the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

from lark import Lark, Tree, UnexpectedInput
from lark import Token as LarkToken
from lark.lexer import Lexer

from spicebridge.expressions.tokens import Token

REMEMBERED_SHAPES = 4096
"""Number of shapes kept; more are parsed anew."""
REMEMBERED_LENGTH = 256
"""Longest shape kept, in tokens."""

Step = tuple[int, str]
"""(token index, "") pushes a token, (token index, rule) what a rule makes of it alone, and (-n - 1, rule)
applies a rule to the n topmost values."""


class ShapeError(Exception):
    """The token at `index` (or the end, if there is none) fits nowhere; `expected` are terminals."""

    def __init__(self, index: int, expected: frozenset[str]) -> None:
        super().__init__(index)
        self.index = index
        self.expected = expected


class _Kinds(Lexer):  # type: ignore[misc]
    """Hands lark the kinds of tokens that were scanned before; the value is the index.

    lark's interface for custom lexers: made with a configuration, asked with what `parse` was given.
    """

    def __init__(self, configuration: object) -> None:
        pass

    def lex(self, shape: Sequence[str], parser_state: object = None) -> Iterator[object]:
        for index, kind in enumerate(shape):
            yield LarkToken(kind, str(index), start_pos=index)


class ShapeParser:
    """A grammar (one or more files of `package`, put together) and the rules' meaning.

    `rules` has one method per rule or alias of the grammar; it receives the children's values.
    """

    def __init__(self, *files: str, package: str, terminals: Sequence[str], start: str = "start") -> None:
        folder = resources.files(package)
        text = "\n".join((folder / name).read_text(encoding="utf-8") for name in files)
        text += "\n%declare " + " ".join(terminals) + "\n"
        self._lark = Lark(
            text, parser="lalr", lexer=_Kinds, start=start, maybe_placeholders=False, keep_all_tokens=False
        )
        self._programs: dict[tuple[str, ...], tuple[tuple[Step, ...], int]] = {}

    def build(self, tokens: Sequence[Token], rules: object, limit: int | None = None) -> Any:
        """Return the value of the start rule.

        Raises `ShapeError` for tokens that do not fit, and `DepthError` for trees deeper than `limit`.
        """
        program, depth = self._program(tuple([token[0] for token in tokens]))
        if limit is not None and depth > limit:
            raise DepthError(depth)
        stack: list[object] = []
        for index, rule in program:
            if index >= 0:
                stack.append(getattr(rules, rule)(tokens[index]) if rule else tokens[index])
            else:
                cut = len(stack) + index + 1
                value = getattr(rules, rule)(*stack[cut:])
                del stack[cut:]
                stack.append(value)
        return stack[0]

    def _program(self, shape: tuple[str, ...]) -> tuple[tuple[Step, ...], int]:
        known = self._programs.get(shape)
        if known is not None:
            return known
        try:
            tree = self._lark.parse(shape)
        except UnexpectedInput as error:
            token = getattr(error, "token", None)
            index = len(shape) if token is None or token.type == "$END" else int(token)
            expected = frozenset(getattr(error, "accepts", None) or getattr(error, "expected", ()) or ())
            raise ShapeError(index, expected) from None
        made = _compile(tree)
        if len(shape) <= REMEMBERED_LENGTH:
            if len(self._programs) >= REMEMBERED_SHAPES:
                self._programs.clear()
            self._programs[shape] = made
        return made


class DepthError(Exception):
    """A tree deeper than allowed."""

    def __init__(self, depth: int) -> None:
        super().__init__(depth)
        self.depth = depth


def _compile(tree: object) -> tuple[tuple[Step, ...], int]:
    """Postfix program of a lark tree, without recursion, and the depth of the tree."""
    steps: list[Step] = []
    stack: list[tuple[object, int]] = [(tree, 1)]
    depth = 1
    while stack:
        node, level = stack.pop()
        depth = max(depth, level)
        if isinstance(node, Tree):
            below = node.children
            if len(below) == 1 and not isinstance(below[0], Tree):
                steps.append((int(str(below[0])), str(node.data)))
                continue
            steps.append((-len(below) - 1, str(node.data)))
            stack.extend((child, level + 1) for child in below)
        else:
            steps.append((int(str(node)), ""))
    steps.reverse()
    return tuple(steps), depth
