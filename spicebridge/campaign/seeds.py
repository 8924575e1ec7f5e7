"""Seeds of a point: a function of the campaign's seed and the point's own coordinates, and of nothing else.

    seed(key) = first 32 bits of SHA-256(campaign seed, key, coordinates)

So neither the number of workers, nor the order of points, nor values added to an axis change a draw.
Coordinates along `same_along`, and how a point is run (engine, form, step, tolerance), do not enter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from spicebridge.campaign.axes import REPEAT, RUN_KEYS, Axis, canonical
from spicebridge.campaign.dotted import parse_key
from spicebridge.case.located_toml import KeyPath, Section
from spicebridge.errors import CampaignError, nearest


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Which seeds of the case are drawn afresh at every point."""

    seed: int
    keys: tuple[str, ...]
    paths: tuple[KeyPath, ...]
    same_along: frozenset[str]
    where: str

    def seeds(self, coordinates: Mapping[str, object]) -> list[tuple[KeyPath, int]]:
        """(path, seed) of every key at a point."""
        own = {
            name: value for name, value in coordinates.items() if name not in self.same_along and name not in RUN_KEYS
        }
        out = []
        for key, path in zip(self.keys, self.paths, strict=True):
            digest = hashlib.sha256(canonical([self.seed, key, own]).encode("utf-8")).digest()
            # 32 bits, as much as every random generator takes
            out.append((path, int.from_bytes(digest[:4], "big")))
        return out


def read_draws(root: Section, axes: tuple[Axis, ...]) -> tuple[Draws | None, tuple[Axis, ...]]:
    """The table ``[random]``, if there is one, and the axes with that of the repetitions."""
    if "random" not in root:
        return None, axes
    section = root.section("random")
    section.known(("seed", "keys", "repeats", "same_along"))
    swept = [key for axis in axes for key in axis.keys]
    keys = _words(section, "keys")
    if not keys:
        section.fail("keys", 'names no seed; give the seeds of the case, such as "network.initial_state.seed"')
    paths = []
    for key in keys:
        if key in swept:
            section.fail("keys", f"{key} is swept already; remove it here or there")
        try:
            paths.append(parse_key(key))
        except CampaignError as error:
            section.fail("keys", str(error))
    same = _words(section, "same_along") if "same_along" in section else []
    for name in same:
        if name not in swept:
            section.fail("same_along", f"{name!r} is not swept{nearest(name, swept)}")
    if "repeats" in section:
        repeats = section.whole("repeats", least=1)
        where = section.source.where((*section.path, "repeats"))
        axes = (*axes, Axis(keys=(REPEAT,), paths=((),), places=tuple((k,) for k in range(repeats)), where=(where,)))
    where = section.source.where((*section.path, "keys"))
    seed = section.whole("seed", least=0)
    # keys that move together are one axis
    along = frozenset(key for axis in axes for key in axis.keys if set(same) & set(axis.keys))
    return Draws(seed=seed, keys=tuple(keys), paths=tuple(paths), same_along=along, where=where), axes


def _words(section: Section, key: str) -> list[str]:
    words = section.array(key)
    if not all(isinstance(word, str) for word in words):
        section.fail(key, f"{words!r} must be a list of keys")
    if len(set(words)) < len(words):
        section.fail(key, "names a key twice; once is enough")
    return words
