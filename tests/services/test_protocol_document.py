"""The examples of docs/protocol.md, read by the code: the document stays true."""

import json
import re
from pathlib import Path

import pytest

from services.client import discovery
from services.client.__main__ import LIMITS
from services.client.discovery import LET_IN_WITHIN
from services.client.membership import OFFERED, OFFERED_SEALED
from services.client.path import KEPT_FOR, MISSED
from services.client.peer import KEPT, trace
from services.client.punching import MAX_CANDIDATES, PAUSES, WITHIN
from services.client.traversal import MAX_PUNCHING, MENU_WAITS
from services.datagram import MAX_DATAGRAM, NONCE, SEALING, format_datagram, parse_datagram
from services.lines import MAX_LINE, LineReader
from services.media.incoming import GRACE, PCMU, SILENCE, Incoming
from services.media.media import MAX_SENDING
from services.media.orders import MAX_SECONDS
from services.media.pcmu import RATE
from services.media.playout import DELAY, FADE, LATE_IN_A_ROW, REACH
from services.media.receiver import MAX_STREAMS, MAX_STREAMS_EACH, REFUSALS_TOLD
from services.media.receiver import trace as media_trace
from services.media.reception import MAX_DROPOUT, MAX_MISORDER
from services.media.recording import MAX_RECORDED
from services.media.rtcp import Leaves, Name, ReceiverReport, format_compound, parse_compound
from services.media.rtp import MAX_PACKET, parse_packet
from services.media.sender import REPORT_EVERY, REPORT_WAIT
from services.media.tone import FRAME, FRAME_SECONDS, tone
from services.media.wav import MAX_FILE
from services.protocol import (
    MAX_PASSWORD,
    MAX_USERNAME,
    Accepted,
    Offer,
    PeerKey,
    format_reply,
    format_request,
    parse_reply,
    parse_request,
)
from services.seal import seal
from services.server.allowance import BURST, PER_SECOND
from services.server.limits import BOUNDS, Limits
from services.server.reflector import AMPLIFICATION
from services.stun import (
    MAX_STUN,
    Kind,
    change_port,
    claim,
    format_stun,
    mapped,
    parse_stun,
)
from services.values import ErrorName
from tests.services.dialogue import LOGGED_IN, play, react, told
from tests.services.media.streams import SOURCE, outgoing

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()


def examples(kind: str) -> list[str]:
    """The lines of all blocks of a kind."""
    blocks: list[str] = re.findall(rf"^```{kind}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


SESSION = examples("session")
REQUESTS = examples("request") + [line[3:] for line in SESSION if line.startswith("C: ")]
REPLIES = examples("reply") + [line[3:] for line in SESSION if line.startswith("S: ")]


@pytest.mark.parametrize("line", REQUESTS)
def test_a_request_in_the_document_is_what_the_code_writes(line: str) -> None:
    assert format_request(parse_request(line)).decode() == f"{line}\n"


@pytest.mark.parametrize("line", REPLIES)
def test_a_reply_in_the_document_is_what_the_code_writes(line: str) -> None:
    assert format_reply(parse_reply(line)).decode() == f"{line}\n"


@pytest.mark.parametrize("line", examples("datagram"))
def test_a_datagram_in_the_document_is_what_the_code_writes(line: str) -> None:
    assert format_datagram(parse_datagram(line.encode())).decode() == line


def test_the_sealed_message_in_the_document_is_the_one_in_clear_under_the_key_in_it() -> None:
    (clear,) = examples("datagram")
    (given,) = (parse_reply(line) for line in REPLIES if line.startswith("KEY "))
    assert isinstance(given, PeerKey)
    sealed = bytes.fromhex("".join(examples("sealed")))
    nonce = sealed[len(b"CHAT/2 ") :][:NONCE]

    assert sealed == seal(clear.encode(), given.key, nonce, "USER 1", given.label)
    assert f"at most **{MAX_DATAGRAM - SEALING} bytes**" in DOCUMENT
    assert f"keys of its last {KEPT} logins" in DOCUMENT


@pytest.mark.parametrize("line", examples("trace"))
def test_a_trace_line_in_the_document_is_what_the_code_writes(line: str) -> None:
    found = re.fullmatch(r"trace: (\w+) id=(\S+) (to|from)=([0-9.]+):(\d+) text=(.*)", line)

    assert found
    event, message_id, direction, ip, port, text = found.groups()
    written = trace(event, message_id, direction, (ip, int(port)), json.loads(text))
    assert line == f"trace: {written}"


def test_the_packet_in_the_document_is_what_the_code_writes() -> None:
    (written,) = examples("rtp")
    stream = outgoing()
    packet = stream.packet(next(tone(440.0)))

    assert packet.startswith(bytes.fromhex(written))
    assert len(packet) == 12 + FRAME


def test_the_reports_in_the_document_are_what_the_code_writes() -> None:
    blocks = re.findall(r"^```rtcp\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    of_the_sender, of_the_receiver = (bytes.fromhex(block) for block in blocks)
    stream = outgoing(is_call=True)
    for frame in tone(440.0, 1):
        stream.packet(frame)

    assert of_the_sender == stream.report(1795365840.25, last=False)
    report = parse_compound(of_the_receiver)
    assert [type(part) for part in report] == [ReceiverReport, Name, Leaves]
    assert format_compound(report) == of_the_receiver


def test_the_messages_of_stun_in_the_document_are_what_the_code_writes() -> None:
    blocks = re.findall(r"^```stun\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    request, response, for_another_port = (bytes.fromhex(block) for block in blocks)
    (accepted,) = (
        reply for line in REPLIES if isinstance(reply := parse_reply(line), Accepted) and reply.stun
    )
    assert accepted.stun
    key = accepted.stun.password.encode()
    number = parse_stun(request).transaction

    assert request == format_stun(Kind.REQUEST, number, [claim(accepted.stun.username)], key=key)
    seen = (accepted.ip, accepted.port)
    assert response == format_stun(Kind.RESPONSE, number, [mapped(seen)], key=key)
    other = parse_stun(for_another_port).transaction
    assert for_another_port == format_stun(Kind.REQUEST, other, [change_port()])


def test_every_bound_of_getting_through_nats_is_in_the_document() -> None:
    for bound in (
        f"at most {MAX_STUN} bytes",
        f"never more than {AMPLIFICATION} times as long",
        f"**{WITHIN:g} s** at most: {len(PAUSES) + 1} checks",
        f"after pauses of {PAUSES[0] * 1000:.0f} ms that grow to {PAUSES[-1] * 1000:.0f} ms",
        f"({MAX_CANDIDATES} addresses at most)",
        f"{len(discovery.PAUSES) + 1} times in all, after pauses of 100, 200, 400, 800",
        f"waits for that {MENU_WAITS * 1000:.0f} ms at most",
        f"({LET_IN_WITHIN * 1000:.0f} ms after the registration)",
        f"when {MISSED} of these in a row were not answered",
        f"was not used for {KEPT_FOR:.0f} s",
        f"punches to {MAX_PUNCHING} peers at once at most",
        f"as many at once and {PER_SECOND:.0f} more each second",
    ):
        assert bound in DOCUMENT, bound
    assert BURST == MAX_PUNCHING
    assert discovery.PAUSES == (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


@pytest.mark.parametrize("line", examples("trace-media"))
def test_a_trace_line_of_media_has_the_fields_that_the_code_writes(line: str) -> None:
    first = parse_packet(outgoing().packet(next(tone(440.0))))
    written = media_trace(Incoming(first, SOURCE, 0.0), ended=False)

    assert re.findall(r"(\S+)=", line) == re.findall(r"(\S+)=", written)
    values = dict(re.findall(r"(\S+)=(\S+)", line))
    assert int(values["lost"]) == int(values["expected"]) - int(values["received"])


def test_every_bound_of_media_is_in_the_document() -> None:
    for bound in (
        f"**{FRAME}** more",
        f"**{FRAME} octets**",
        f"**{RATE} samples per second**",
        f"at most **{MAX_SECONDS} s**",
        f"at most {MAX_SECONDS} s and {MAX_FILE // 1024**2} MiB",
        f"number {MAX_DROPOUT} or more ahead of the highest, or {MAX_MISORDER} or more behind",
        f"more than {REACH:.0f} s ahead",
        f"more than **{MAX_STREAMS}** streams in all, or **{MAX_STREAMS_EACH}** from one address",
        f"at most every {REFUSALS_TOLD:.0f} s",
        f"**{DELAY * 1000:.0f} ms** after it came",
        f"After {LATE_IN_A_ROW} late ones in a row",
        f"to silence within {FADE * FRAME_SECONDS * 1000:.0f} ms",
        f"over {GRACE * 1000:.0f} ms after its BYE, or after {SILENCE:.0f} s without a packet",
        f"at most {MAX_RECORDED // RATE} s in all",
        f"every {REPORT_EVERY} packets",
        f"waits up to {REPORT_WAIT:.0f} s",
        f"at most {MAX_SENDING} streams at once",
        f"at most {MAX_PACKET} bytes",
    ):
        assert bound in DOCUMENT, bound


def test_every_kind_of_message_is_in_the_document() -> None:
    assert {line.split()[0] for line in REQUESTS} == {
        "LOGIN",
        "LIST",
        "OFFER",
        "PARAMETERS",
        "KEY",
        "BEHIND",
        "PUNCH",
        "PONG",
        "QUIT",
    }
    assert {line.split()[0] for line in REPLIES} == {
        "OK",
        "CLIENTS",
        "NOTED",
        "PARAMETERS",
        "KEY",
        "PUNCH",
        "PING",
        "BYE",
        "ERROR",
    }
    assert examples("datagram")
    assert examples("trace")


def test_the_bytes_in_the_document_are_the_third_line_of_its_session() -> None:
    stream = bytes.fromhex("".join(examples("hex")))

    assert LineReader().feed(stream) == [SESSION[2].removeprefix("C: ")]


def options(limits: dict[str, tuple[float, float, float]]) -> set[str]:
    """How a table of limits has each: option, default, lowest, highest."""
    return {
        f"| `--{name.replace('_', '-')}` | {default:g} | {lowest:g}, {highest:.9g} |"
        for name, (default, lowest, highest) in limits.items()
    }


def test_every_limit_is_in_the_document_with_its_default_and_its_bounds() -> None:
    of_server = {name: (value, *BOUNDS[name]) for name, value in Limits()._asdict().items()}
    documented = set(
        re.findall(r"^\| `--[a-z-]+` \| [0-9.]+ \| [0-9.]+, [0-9]+ \|", DOCUMENT, re.MULTILINE)
    )

    assert documented == options(of_server) | options(LIMITS)
    limits = Limits()
    assert f"**{limits.ping_after + limits.pong_within:g} s after" in DOCUMENT
    for name in ("login_within", "ping_after", "pong_within", "send_within"):
        assert f"`{name.replace('_', '-')}`" in DOCUMENT


def test_what_a_client_offers_is_in_the_document() -> None:
    (line,) = (line for line in REQUESTS if line.startswith("OFFER "))
    documented = parse_request(line)

    assert isinstance(documented, Offer)
    assert documented.parameters._replace(addresses=()) == OFFERED
    assert OFFERED_SEALED.media == ("CHAT/2",)
    assert "offers the format `CHAT/2` and no other" in DOCUMENT
    assert f"`PCMU/{RATE}` is RTP with payload type {PCMU}." in DOCUMENT


def test_what_a_person_is_shown_of_a_peer_is_in_the_document() -> None:
    (line,) = (line for line in REPLIES if line.startswith("PARAMETERS "))

    dialogue = play([*LOGGED_IN, "> /peer USER 2", '= PARAMETERS {"label":"USER 2"}'])
    assert told(react(dialogue, f"< {line}")[0]) == examples("shown")[0]


def test_every_error_name_and_bound_is_in_the_document() -> None:
    for name in ErrorName:
        assert f"`{name}`" in DOCUMENT
    for bound in (
        f"**{MAX_LINE} bytes**",
        f"**{MAX_DATAGRAM} bytes**",
        f"1 to {MAX_USERNAME} characters",
        f"at most {MAX_PASSWORD} characters",
    ):
        assert bound in DOCUMENT
