"""What of a deck is no memristive network: every element with its reason, the first one located."""

from __future__ import annotations

from spicebridge.circuit.deck.elements import Deck
from spicebridge.errors import NotANetwork


class Refusal(Exception):
    """One element that no network explains: its name, and the reason, with what to do."""


class RefusedElements:
    """Collects refusals of a flat deck."""

    def __init__(self, deck: Deck) -> None:
        self.deck = deck
        self.reasons: dict[str, str] = {}

    def refuse(self, name: str, reason: str) -> None:
        """Note one element; the first reason given for it stays."""
        self.reasons.setdefault(name, reason)

    def settle(self) -> None:
        """Raise `NotANetwork` if anything was refused."""
        if not self.reasons:
            return
        order = {element.name: n for n, element in enumerate(self.deck.elements)}
        entries = sorted(self.reasons.items(), key=lambda item: order.get(item[0], len(order)))
        name, reason = entries[0]
        message = f"not a memristive network: {name} {reason}"
        if len(entries) > 1:
            message += f" (and {len(entries) - 1} more: {_names(entries[1:])})"
        if self.deck.sources is not None:
            message = self.deck.sources.describe("", "element", name, message)
        raise NotANetwork(message, account=tuple(entries))


SHOWN = 6
"""Further elements that the message names; the account has all."""


def _names(entries: list[tuple[str, str]]) -> str:
    shown = ", ".join(name for name, _ in entries[:SHOWN])
    return shown + (", …" if len(entries) > SHOWN else "")
