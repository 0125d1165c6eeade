"""What a run came to, told so that two runs of the same scenario can be compared.

What is another in every run gets a name: addresses, ephemeral ports, times, ids, labels. Order
goes only where it differs between runs on one and the same backend; each such place says why.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from peerlab.evidence.journal import Event, Kind
from services.client.session import Question

_COURSE = {
    Kind.STARTED,
    Kind.READY,
    Kind.PAUSED,
    Kind.RESUMED,
    Kind.INPUT_ENDED,
    Kind.SIGNALLED,
    Kind.EXITED,
}

_OF_THE_WIRE = {Kind.DATAGRAM, Kind.CONNECTION, Kind.WIRE}

_LISTED = re.compile(r"'(?P<label>USER \d+)': \('(?P<ip>[\d.]+)', \d+\)")
_ENTRY = re.compile(r"'[^']+': \('[^']+', <port>\)")
_LIST = re.compile(rf"{_ENTRY.pattern}(?:, {_ENTRY.pattern})*")
_NAME = re.compile("<(?!time>|id>|port>)[^<> ]+>")
# Right behind an address, and as high as the kernel's own choice: 12345 stays.
_PORT = re.compile(rf"({_NAME.pattern}(?:', |:| ))(?:3[2-9]|[45]\d|6[0-5])\d{{3}}\b")
# Columns are filled up to the width of an address.
_FILLED = re.compile(rf"({_NAME.pattern}) +")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_ID = re.compile("[0-9a-f]{16}")
_NOTHING = "(?!)"

_OPEN_PROMPTS = [re.escape(each.value) for each in Question if not each.value.endswith("\n")]
_NOTICED = "\0"
_INTERRUPTED = re.compile(rf"(?P<prompt>{'|'.join(_OPEN_PROMPTS)})(?:\n{_NOTICED}(?P=prompt))+")
_LINE_END = re.compile("|".join(f"(?<={end})" for end in ["\n", *_OPEN_PROMPTS]))


@dataclass(frozen=True, slots=True)
class Part:
    """One node's part in a run.

    What was typed stands apart from what was printed: a line can be typed before the prompt that
    it answers was seen, so how the two follow each other is a race. In which order each of them
    came is none.

    Attributes:
        typed: lines, in order.
        printed: the dialogue, line by line, prompts as lines of their own.
        complained: the same for standard error.
        noticed: the notices, in order for each sender.
        sent: messages that the program says it sent, in order for each recipient.
        received: those that it says it received, in order for each sender.
        course: how the program started and ended, and what the steps did to it meanwhile.
    """

    typed: list[str]
    printed: list[str]
    complained: list[str]
    noticed: list[str]
    sent: list[str]
    received: list[str]
    course: list[str]


def retell(journal: Sequence[Event]) -> dict[str, Part]:
    """Each node's part in a run, by the node's name."""
    names = _Names(journal)
    events: dict[str, list[Event]] = defaultdict(list)
    for event in journal:
        # What the wire tells is of routers, too, and each backend has processes of its own for it.
        if event.node is not None and event.kind not in _OF_THE_WIRE:
            events[event.node].append(event)
    return {node: _part(own, names) for node, own in events.items()}


class _Names:
    """Knows what to call that which is another in every run."""

    def __init__(self, journal: Iterable[Event]) -> None:
        """Learn addresses from their deployment, and labels from all lists that were shown.

        Where a router has an address is told by the datagrams that were sent to it.
        """
        self._names: dict[str, str] = {}
        routers: dict[str, str] = {}
        labelled: dict[str, set[str]] = defaultdict(set)
        for event in journal:
            if event.kind is Kind.DEPLOYED:
                self._names[event.detail["ip"]] = f"<{event.node}>"
            elif event.kind is Kind.DATAGRAM and event.detail["to"] is not None:
                ip, _, _ = event.detail["destination"].rpartition(":")
                routers[ip] = f"<{event.detail['to']}>"
            elif event.kind is Kind.PRINTED:
                for listed in _LISTED.finditer(event.text):
                    labelled[listed["label"]].add(listed["ip"])
        for label, addresses in labelled.items():
            # A server that was started again gives its labels again: those belong to nobody.
            # A NAT's are kept: it can have several clients behind it, who are not to be confused.
            if len(addresses) == 1:
                self._names[label] = self._names.get(addresses.pop(), label)
        routers = {ip: name for ip, name in routers.items() if ip not in self._names}
        self._names |= routers
        self._routers = frozenset(routers.values())
        # A NAT may put any port in place of another.
        translated = "|".join(map(re.escape, routers.values())) or _NOTHING
        self._translated = re.compile(rf"((?:{translated})(?:', |:))\d+\b")
        alternatives = "|".join(map(re.escape, self._names))
        self._known = re.compile(rf"(?<![\w.])(?:{alternatives})(?![\w.]*\w)")

    def among_many(self, line: str) -> str:
        """What orders a line that is about any of those behind a router; nothing for others."""
        return line if any(name in line for name in self._routers) else ""

    def put_into(self, text: str) -> str:
        """The text with these names."""
        named = self._known.sub(lambda known: self._names[known[0]], text)
        for variable, name in (
            (_PORT, r"\1<port>"),
            (self._translated, r"\1<port>"),
            (_FILLED, r"\1 "),
            (_TIME, "<time>"),
        ):
            named = variable.sub(name, named)
        # Those who log in at the same time get their places in the list in any order.
        return _LIST.sub(lambda listed: ", ".join(sorted(_ENTRY.findall(listed[0]))), named)


def _part(events: Sequence[Event], names: _Names) -> Part:
    typed = [names.put_into(event.text) for event in events if event.kind is Kind.TYPED]
    printed = _lines(events, "stdout", names)
    complained = _lines(events, "stderr", names)
    if not typed:
        # Nobody talks with it: it serves others, who come in any order.
        printed, complained = (
            _by_name(sorted(lines, key=names.among_many)) for lines in (printed, complained)
        )
    return Part(
        typed,
        printed,
        complained,
        # Messages of different senders overtake each other, those of one sender do not.
        _by_name(names.put_into(_split(event)[1]) for event in events if _is_notice(event)),
        _messages(events, Kind.SENT, names),
        _messages(events, Kind.RECEIVED, names),
        [f"{event.kind} {dict(event.detail)}" for event in events if event.kind in _COURSE],
    )


def _lines(events: Iterable[Event], stream: str, names: _Names) -> list[str]:
    """What was printed on a stream beside notices."""
    text = "".join(
        _split(event)[0] + _NOTICED if _is_notice(event) else event.text
        for event in events
        if event.kind is Kind.PRINTED and event.detail["stream"] == stream
    )
    # A notice interrupts the prompt that happens to be open, and that is then printed again.
    text = _INTERRUPTED.sub(r"\g<prompt>", text).replace(_NOTICED, "")
    return [line for line in _LINE_END.split(names.put_into(text)) if line]


def _is_notice(event: Event) -> bool:
    return event.kind is Kind.PRINTED and "notice" in event.detail


def _split(event: Event) -> tuple[str, str]:
    """The prompt that a notice comes right behind, if there is one, and the notice."""
    time = _TIME.search(event.text)
    start = 0 if time is None else time.start()
    return event.text[:start], event.text[start:]


def _messages(events: Iterable[Event], kind: Kind, names: _Names) -> list[str]:
    """What the program says of messages. A client's own ids are another in every run."""
    return _by_name(
        f"{_ID.sub('<id>', str(event.detail['id']))} {names.put_into(event.detail['peer'])}:"
        f" {names.put_into(event.text)}"
        for event in events
        if event.kind is kind
    )


def _by_name(texts: Iterable[str]) -> list[str]:
    """In order of the first node that they name; those of one node stay in their order."""
    return sorted(texts, key=lambda text: "".join(_NAME.findall(text)[:1]))
