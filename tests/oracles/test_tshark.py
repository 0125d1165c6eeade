"""What tshark reads in the captures, and what the journal says of the same datagrams."""

from collections import Counter
from collections.abc import Sequence

import pytest

from peerlab.evidence.journal import Event, Kind
from peerlab.evidence.reading import Evidence
from tests.oracles.conftest import OracleBench
from tests.oracles.dissection import AS_DATA, Seen, datagrams, flaws

pytestmark = pytest.mark.usefixtures("tshark")

PORT = 40_000
_PORT = f"udp.dstport == {PORT}"

LISTENS = f"""
import socket
here = socket.socket(type=socket.SOCK_DGRAM)
# A stream comes in one burst, faster than a busy machine may read.
here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 212_992)
here.bind(("", {PORT}))
print("listening")
words, over = 0, False
while True:
    word = here.recv(2000)
    words += word not in (b"first", b"over")
    over = over or word == b"over"
    print("got", words, "words", "and all" if over else "so far")
"""

SENDS = f"""
import socket, sys
here = socket.socket(type=socket.SOCK_DGRAM)
for line in sys.stdin:
    what, count = line.split()
    for number in range(1, int(count) + 1):
        word = what if what in ("first", "over") else f"{{what}} {{number:04}} of a stream"
        here.sendto(word.encode(), ("there", {PORT}))
    print("sent", what)
"""


def _streams(bench: OracleBench, *wire: str, count: int = 300, arrive: str = r"\d+") -> Evidence:
    """Send a stream under some rules, and then, when these have ended, one last datagram.

    A first one arrives before any rule is in force: no address is looked up later.
    """
    bench.program("listens", LISTENS, more="ready: listening")
    bench.program("sends", SENDS, more="after: [listens]")
    rules = "".join(f"\n          - wire: {each}" for each in wire)
    return bench.passes(rf"""
        title: stream
        within: 20s
        nodes: {{here: sends, there: listens}}
        steps:
          - here: {{type: "first 1"}}
          - there: {{expect: got 0 words so far}}{rules}
          - here: {{type: "word {count}"}}
          - here: {{expect: sent word}}
          - wire: heal
          - here: {{type: "over 1"}}
          - there: {{expect: '/got {arrive} words and all/'}}
        """)


def _captured(evidence: Evidence, name: str) -> list[Seen]:
    return [
        each
        for each in datagrams(evidence.path / "captures" / f"{name}.pcap", PORT)
        if each.payload not in {b"first", b"over"}
    ]


def _flaws(evidence: Evidence, *, but: str = "frame.number == 0") -> list[str]:
    captures = sorted((evidence.path / "captures").iterdir())
    assert [each.name for each in captures] == [
        "here-wire.pcap",
        "here.pcap",
        "there-wire.pcap",
        "there.pcap",
    ]
    return flaws(captures, but=but, options=AS_DATA)


def _told(evidence: Evidence, cable: str | None = None) -> list[Event]:
    """The stream in the journal: as it left its node, or what happened to it at a later cable."""
    return [
        event
        for event in evidence.journal
        if event.kind is Kind.DATAGRAM
        and event.text.startswith("word")
        and event.detail.get("cable") == cable
    ]


def _payloads(seen: Sequence[Seen]) -> Counter[bytes]:
    return Counter(each.payload for each in seen)


def _copies(event: Event) -> int:
    return event.detail.get("copies", 1) if event.detail["fate"] == "delivered" else 0


def test_captures_hold_every_datagram_once_where_nothing_is_asked_for(bench: OracleBench) -> None:
    evidence = _streams(bench, "{traffic: tcp, port: 9, delay: 1ms}")
    told = Counter(event.text.encode() for event in _told(evidence))
    assert len(told) == 300
    for name in ("here", "here-wire", "there-wire", "there"):
        assert _payloads(_captured(evidence, name)) == told
    assert _flaws(evidence) == []


def test_captures_lack_and_repeat_what_the_journal_says(bench: OracleBench) -> None:
    evidence = _streams(bench, "{from: here, to: there, loss: 20%, duplicate: 15%}")
    told = _told(evidence)
    assert _payloads(_captured(evidence, "here")) == Counter(event.text.encode() for event in told)
    fates = Counter({event.text.encode(): _copies(event) for event in told})
    assert {0, 1, 2} == set(fates.values())
    for name in ("here-wire", "there-wire", "there"):
        assert _payloads(_captured(evidence, name)) == +fates
    assert _flaws(evidence) == []


def test_captures_at_the_receiver_tell_what_happened_on_its_cable(bench: OracleBench) -> None:
    evidence = _streams(bench, "{to: there, loss: 20%, duplicate: 15%}")
    sent = Counter(event.text.encode() for event in _told(evidence))
    assert len(sent) == 300
    for name in ("here", "here-wire", "there-wire"):
        assert _payloads(_captured(evidence, name)) == sent
    # The journal has a second event for those to which something happened there.
    fates = sent.copy()
    for event in _told(evidence, cable="there"):
        fates[event.text.encode()] = _copies(event)
    assert {0, 1, 2} == set(fates.values())
    assert _payloads(_captured(evidence, "there")) == +fates
    assert _flaws(evidence) == []


@pytest.mark.parametrize("kind", ["detected", "delivered"])
def test_damaged_datagrams_are_those_of_the_journal_and_have_the_checksum_asked_for(
    bench: OracleBench, kind: str
) -> None:
    evidence = _streams(bench, f"{{from: here, to: there, corrupt: 20%, corrupt-as: {kind}}}")
    told = _told(evidence)
    damaged = [event for event in told if "damaged" in event.detail]
    assert 20 < len(damaged) < 120
    assert {event.detail["damaged"] for event in damaged} == {kind}
    for name in ("here-wire", "there"):
        seen = _captured(evidence, name)
        assert len(seen) == len(told) == 300
        # Nothing overtakes anything here, so the n-th that was sent is the n-th that was seen.
        sent = [event.text.encode() for event in told]
        changed = [each for each, text in zip(seen, sent, strict=True) if each.payload != text]
        assert len(changed) == len(damaged)
        bad = [each for each in seen if not each.is_sound]
        assert bad == (changed if kind == "detected" else [])
    # All else is sound: what is sent, and every other protocol.
    assert all(each.is_sound for each in _captured(evidence, "here"))
    assert _flaws(evidence, but=_PORT) == []


def test_exact_effects_are_at_the_very_datagrams_and_in_the_very_order(bench: OracleBench) -> None:
    evidence = _streams(
        bench,
        "{from: here, to: there, drop: 3, duplicate: 8, corrupt: 10}",
        "{from: here, to: there, swap: [5, 6]}",
        "{from: here, to: there, corrupt: 12, corrupt-as: delivered}",
        count=14,
    )
    seen = _captured(evidence, "there")
    whole = {f"word {number:04} of a stream".encode(): number for number in range(1, 15)}
    assert [(whole.get(each.payload), each.is_sound) for each in seen] == [
        (1, True),
        (2, True),
        (4, True),
        (6, True),
        (5, True),
        (7, True),
        (8, True),
        (8, True),
        (9, True),
        (None, False),
        (11, True),
        (None, True),
        (13, True),
        (14, True),
    ]
    assert [whole[each.payload] for each in _captured(evidence, "here")] == list(range(1, 15))


def test_between_both_ends_of_a_cable_lies_the_delay(bench: OracleBench) -> None:
    wire = "{from: here, to: there, delay: {1-50: 60ms, 51-100: 20ms}}"
    evidence = _streams(bench, wire, arrive="300")
    before = {each.payload: each.at for each in _captured(evidence, "here")}
    after = {each.payload: each.at for each in _captured(evidence, "here-wire")}
    assert before.keys() == after.keys()
    asked = [0.06] * 50 + [0.02] * 50 + [0.0] * 200
    took = [after[payload] - before[payload] for payload in sorted(before)]
    # tshark tells times in nanoseconds, which a float of seconds since 1970 does not hold.
    assert all(longer > least - 1e-6 for longer, least in zip(took, asked, strict=True))
    assert _flaws(evidence) == []
