import pytest

from peerlab.record.exchange import MOST_BYTES, Inbox, packed


def test_messages_are_put_together_from_pieces() -> None:
    data = packed(line="a\nü\x1b") + packed(join="bob")
    inbox = Inbox()
    got = [message for byte in data for message in inbox.take(bytes([byte]))]
    assert got == [{"line": "a\nü\x1b"}, {"join": "bob"}]


@pytest.mark.parametrize("data", [b"no json\n", b"[1]\n", b"\xff\n", b"x" * (MOST_BYTES + 1)])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
        Inbox().take(data)
