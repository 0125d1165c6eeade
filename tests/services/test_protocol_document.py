"""The examples of docs/protocol.md, read by the code: the document stays true."""

import json
import re
from pathlib import Path

import pytest

from services.client.peer import trace
from services.datagram import MAX_DATAGRAM, format_datagram, parse_datagram
from services.protocol import (
    MAX_LINE,
    MAX_PASSWORD,
    MAX_USERNAME,
    LineReader,
    format_reply,
    format_request,
    parse_reply,
    parse_request,
)
from services.values import ErrorName

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


@pytest.mark.parametrize("line", examples("trace"))
def test_a_trace_line_in_the_document_is_what_the_code_writes(line: str) -> None:
    found = re.fullmatch(r"trace: (\w+) id=(\S+) (to|from)=([0-9.]+):(\d+) text=(.*)", line)

    assert found
    event, message_id, direction, ip, port, text = found.groups()
    written = trace(event, message_id, direction, (ip, int(port)), json.loads(text))
    assert line == f"trace: {written}"


def test_every_kind_of_message_is_in_the_document() -> None:
    assert {line.split()[0] for line in REQUESTS} == {"LOGIN", "LIST", "QUIT"}
    assert {line.split()[0] for line in REPLIES} == {"OK", "CLIENTS", "BYE", "ERROR"}
    assert examples("datagram")
    assert examples("trace")


def test_the_bytes_in_the_document_are_the_third_line_of_its_session() -> None:
    stream = bytes.fromhex("".join(examples("hex")))

    assert LineReader().feed(stream) == [SESSION[2].removeprefix("C: ")]


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
