import pytest

from peerlab.report.payloads import payload_name


def named(payload: bytes) -> str:
    return payload_name(payload.decode(errors="backslashreplace"), len(payload))


STUN = bytes.fromhex("00010000 2112a442 b7e7a701 bc34d686 fa87dfae")
RTP = bytes.fromhex("80801701 6d8fddb9 ba2fd728 ffb4a69e 9c9c9ea5")
RTCP = bytes.fromhex("80c80006 ba2fd728 ee7471b6 1f0d0800 6d901c39")


@pytest.mark.parametrize(
    ("payload", "name"),
    [(STUN, "STUN"), (RTP, "RTP"), (RTCP, "RTCP"), (bytes(12), "12 bytes"), (b"\xff", "1 byte")],
)
def test_what_is_no_text_is_named_by_what_it_seems_to_be(payload: bytes, name: str) -> None:
    assert named(payload) == name


@pytest.mark.parametrize("text", ["", "Hello", "Gr\u00fc\u00dfe, \u4f60\u597d", "two\nlines\n"])
def test_text_is_named_by_itself(text: str) -> None:
    assert payload_name(text, len(text.encode())) == text


def test_text_with_a_damaged_byte_stays_text() -> None:
    assert named(b"What was that n\x8fise?") == r"What was that n\x8fise?"
