"""What the wire can do to packets, as the keys of a mapping: impairments, and exact effects."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from peerlab.scenario.amounts import (
    NUMBER,
    NUMBERS,
    PERCENT,
    RATE,
    SELECTION,
    TIME,
    Numbers,
    disjoint,
    overlap,
)
from peerlab.scenario.kinds import (
    Fields,
    Form,
    Key,
    mapping_of,
    one_of,
    raw,
    scalar_kind,
    whole_number,
)
from peerlab.scenario.tree import Entries, Scalar, Tree
from peerlab.scenario.values import parse_percent

DEFAULT_QUEUE: Final = 100
"""Packets that wait for a slow link unless the scenario says otherwise."""

_PAIR: Final = 2

_CHANCE_OR_NUMBERS: Final = {"anyOf": [PERCENT.schema, SELECTION.schema]}
_LOSS_CHANCE: Final = scalar_kind(
    "a percentage such as 10%",
    "bad-percent",
    parse_percent,
    PERCENT.schema,
    "'loss: 10%' is by chance, 'drop: 2' exactly the second datagram",
)

_P: Final = Key("p", PERCENT, "chance that a burst begins, for every packet", required=True)
_R: Final = Key("r", PERCENT, "chance that a burst ends, for every packet", required=True)
_ONE_MINUS_H: Final = Key("1-h", PERCENT, "chance of loss in a burst (default 100%)")
_ONE_MINUS_K: Final = Key("1-k", PERCENT, "chance of loss outside of bursts (default 0%)")
BURSTS: Final = Form("a loss in bursts", (_P, _R, _ONE_MINUS_H, _ONE_MINUS_K))

_DELAY: Final = Key(
    "delay",
    raw({"anyOf": [TIME.schema, mapping_of(TIME, keys={"type": "string"})]}),
    "how much longer packets take; or numbers of datagrams to how much longer they take",
)
_JITTER: Final = Key("jitter", TIME, "by how much the delay may be more or less, evenly spread")
_ORDER: Final = Key("order", one_of("kept", "free"), "whether jitter may let packets overtake")
_LOSS: Final = Key(
    "loss",
    raw({"anyOf": [PERCENT.schema, BURSTS.schema()]}),
    "how many packets are lost by chance; or how in bursts",
)
_DUPLICATE: Final = Key(
    "duplicate", raw(_CHANCE_OR_NUMBERS), "how many packets arrive twice; or which datagrams"
)
_CORRUPT: Final = Key(
    "corrupt", raw(_CHANCE_OR_NUMBERS), "of how many packets a bit is turned; or of which datagrams"
)
_CORRUPT_AS: Final = Key(
    "corrupt-as",
    one_of("detected", "delivered"),
    "whether the checksum tells (default), or is made right so that programs get them",
)
_REORDER: Final = Key("reorder", PERCENT, "how many packets let the next one overtake them")
_RATE: Final = Key("rate", RATE, "how many bits a second pass")
_QUEUE: Final = Key(
    "queue", whole_number(1, 100_000), "how many packets wait for the rate (default 100)"
)
_DROP: Final = Key("drop", SELECTION, "which datagrams are lost, counted from now on")
_SWAP: Final = Key(
    "swap",
    raw({"type": "array", "minItems": _PAIR, "maxItems": _PAIR, "items": NUMBER.schema}),
    "two datagrams that change places",
)

EFFECT_KEYS: Final[tuple[Key[object], ...]] = (
    *(_DELAY, _LOSS, _DUPLICATE, _CORRUPT, _REORDER, _RATE, _DROP, _SWAP),
)
COMPANION_KEYS: Final[tuple[Key[object], ...]] = (_JITTER, _ORDER, _CORRUPT_AS, _QUEUE)
"""Keys that say more about the effect of another."""

_EXCLUDING: Final[tuple[tuple[str, Key[object], str], ...]] = (
    ("drop-these", _DROP, "dropped"),
    ("swap-these", _SWAP, "swapped"),
    ("delay-these", _DELAY, "delayed"),
    ("duplicate-these", _DUPLICATE, "duplicated"),
    ("corrupt-these", _CORRUPT, "corrupted"),
)
"""Exact effects by the word for what they do; the first two leave less or no room for others."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that is done to packets, whichever packets these are.

    Attributes:
        kind: the impairment that it is or ends, of which one is in force at a time.
        name: what `peerlab.wire.rules` knows it by.
    """

    kind: str
    name: str
    arguments: Mapping[str, object]
    shown: str

    @property
    def is_exact(self) -> bool:
        """Whether it speaks about single datagrams."""
        return self.name.endswith("-these")


def read_effects(fields: Fields) -> tuple[Effect, ...]:
    """What the keys of a mapping do to packets, in the order of the keys' table."""
    readers = (_delay, _loss, _duplicate, _corrupt, _reorder, _rate, _drop, _swap)
    effects = tuple(effect for read in readers if (effect := read(fields)) is not None)
    _report_contradictions(fields, effects)
    return effects


def _delay(fields: Fields) -> Effect | None:
    tree, jitter, order = fields.get(_DELAY), fields.get(_JITTER), fields.get(_ORDER)
    _need(fields, _ORDER, _JITTER)
    if isinstance(tree, Entries):
        for key in (_JITTER, _ORDER):
            if fields.tree(key) is not None:
                message = f"{key.name!r} goes with the delay of all packets, not of single ones"
                fields.reading.report("conflicting-keys", message, fields.span(key), "leave it out")
        return _delay_these(fields, tree)
    _need(fields, _JITTER, _DELAY)
    seconds = None if tree is None else TIME.read(fields.reading, tree)
    if seconds is None:
        return None
    if jitter is not None and jitter > seconds:
        message, hint = "the jitter is longer than the delay", "nothing arrives before it is sent"
        where = fields.tree(_JITTER) or fields.entries
        fields.reading.report("bad-duration", message, where.span, hint)
    arguments = {"seconds": seconds, "jitter": jitter or 0.0, "keeps_order": order != "free"}
    shown = _shown(fields, _DELAY, _JITTER, _ORDER)
    return _effect("delay", arguments, shown) if seconds else _off("delay", shown)


def _delay_these(fields: Fields, tree: Entries) -> Effect:
    reading = fields.reading
    if not tree.pairs:
        message = "got an empty mapping, expected at least one number"
        reading.report("empty", message, tree.span)
    read = [(NUMBERS.read(reading, k), k, TIME.read(reading, value)) for k, value in tree.pairs]
    seconds = {numbers: value or 0.0 for numbers, _, value in read if numbers is not None}
    ranges = disjoint(reading, ((key, numbers) for numbers, key, _ in read))
    which = tuple((first, last, seconds[first, last]) for first, last in ranges)
    return _effect("delay-these", {"which": which}, _shown(fields, _DELAY))


def _loss(fields: Fields) -> Effect | None:
    tree, shown = fields.get(_LOSS), _shown(fields, _LOSS)
    if tree is None:
        return None
    if not isinstance(tree, Entries):
        return _by_chance("loss", _LOSS_CHANCE.read(fields.reading, tree), {}, shown)
    bursts = BURSTS.read(fields.reading, tree)
    if bursts is None:
        return None
    in_burst = bursts.get(_ONE_MINUS_H)
    arguments = {
        "p": bursts.get(_P) or 0.0,
        "r": bursts.get(_R) or 0.0,
        "lost_in_burst": 1.0 if in_burst is None else in_burst,
        "lost_otherwise": bursts.get(_ONE_MINUS_K) or 0.0,
    }
    return Effect("loss", "bursts", arguments, shown)


def _duplicate(fields: Fields) -> Effect | None:
    return _some(fields, _DUPLICATE, {}, _shown(fields, _DUPLICATE))


def _corrupt(fields: Fields) -> Effect | None:
    _need(fields, _CORRUPT_AS, _CORRUPT)
    detected = {"detected": fields.get(_CORRUPT_AS) != "delivered"}
    return _some(fields, _CORRUPT, detected, _shown(fields, _CORRUPT, _CORRUPT_AS))


def _reorder(fields: Fields) -> Effect | None:
    return _by_chance("reorder", fields.get(_REORDER), {}, _shown(fields, _REORDER))


def _rate(fields: Fields) -> Effect | None:
    _need(fields, _QUEUE, _RATE)
    bits, queue, shown = fields.get(_RATE), fields.get(_QUEUE), _shown(fields, _RATE, _QUEUE)
    if bits is None:
        return None
    arguments = {"bits": bits, "queue": queue or DEFAULT_QUEUE}
    return _effect("rate", arguments, shown) if bits else _off("rate", shown)


def _drop(fields: Fields) -> Effect | None:
    tree = fields.tree(_DROP)
    if isinstance(tree, Scalar) and tree.text.endswith("%"):
        message = "got a percentage, expected the numbers of datagrams"
        hint = f"'loss: {tree.text}' loses packets by chance"
        fields.reading.report("bad-number", message, tree.span, hint)
        return None
    which = fields.get(_DROP)
    return None if which is None else _these("drop", which, {}, _shown(fields, _DROP))


def _swap(fields: Fields) -> Effect | None:
    reading, tree = fields.reading, fields.get(_SWAP)
    items = None if tree is None else reading.items(tree, "a list of two numbers")
    if tree is None or items is None:
        return None
    if len(items) != _PAIR:
        message = f"got a list of {len(items)}, expected two numbers that change places"
        reading.report("wrong-count", message, tree.span, "write a step for each pair")
        return None
    first, second = (NUMBER.read(reading, item) for item in items)
    if first is None or second is None:
        return None
    if first == second:
        message = f"got the number {first} twice, expected every number once"
        reading.report("bad-number", message, tree.span, "name two different datagrams")
    arguments = {"first": min(first, second), "second": max(first, second)}
    return _effect("swap-these", arguments, _shown(fields, _SWAP))


def _some(
    fields: Fields, key: Key[Tree], arguments: Mapping[str, object], shown: str
) -> Effect | None:
    """An effect on packets by chance, or on datagrams by their numbers."""
    tree = fields.get(key)
    if tree is None:
        return None
    if isinstance(tree, Scalar) and tree.text.endswith("%"):
        return _by_chance(key.name, PERCENT.read(fields.reading, tree), arguments, shown)
    which = SELECTION.read(fields.reading, tree)
    return None if which is None else _these(key.name, which, arguments, shown)


def _by_chance(
    kind: str, chance: float | None, arguments: Mapping[str, object], shown: str
) -> Effect | None:
    if chance is None:
        return None
    return _effect(kind, {"chance": chance, **arguments}, shown) if chance else _off(kind, shown)


def _these(
    kind: str, which: tuple[Numbers, ...], arguments: Mapping[str, object], shown: str
) -> Effect:
    return _effect(f"{kind}-these", {"which": which, **arguments}, shown)


def _effect(name: str, arguments: Mapping[str, object], shown: str) -> Effect:
    return Effect(name, name, arguments, shown)


def _off(kind: str, shown: str) -> Effect:
    return Effect(kind, "off", {"kind": kind}, shown)


def _shown(fields: Fields, *keys: Key[object]) -> str:
    """The keys and their values, for people."""
    pairs = [pair for key in keys for pair in fields.entries.pairs if pair[0].text == key.name]
    return ", ".join(
        f"{key.text}: {value.text}"
        if isinstance(value, Scalar)
        else fields.reading.one_line(Entries(((key, value),), key.span, flow=True))
        for key, value in pairs
    )


def _need(fields: Fields, key: Key[object], other: Key[object]) -> None:
    if fields.tree(key) is not None and not fields.has(other):
        message = f"{key.name!r} lacks the key {other.name!r} beside it"
        fields.reading.report("missing-key", message, fields.span(key), f"{other.about}")


def _report_contradictions(fields: Fields, effects: tuple[Effect, ...]) -> None:
    """Report single datagrams of which two things are asked for that exclude each other."""
    exact = {effect.name: _numbers(effect) for effect in effects if effect.is_exact}
    rows = [row for row in _EXCLUDING if row[0] in exact]
    for (name, _, done), (other, key, also_done) in combinations(rows, 2):
        excluded = name == "drop-these" or (name, other) == ("swap-these", "delay-these")
        number = overlap(exact[name], exact[other]) if excluded else None
        if number is not None:
            message = f"datagram {number} is both {done} and {also_done}"
            where = fields.tree(key) or fields.entries
            hint = "take it out of one of them"
            fields.reading.report("conflicting-keys", message, where.span, hint)


def _numbers(effect: Effect) -> list[Numbers]:
    match effect.arguments:
        case {"first": int(first), "second": int(second)}:
            return [(first, first), (second, second)]
        case {"which": tuple(which)}:
            return [(first, last) for first, last, *_ in which]
        case _:
            raise AssertionError(f"no numbers: {effect}")
