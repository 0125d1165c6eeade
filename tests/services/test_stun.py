"""STUN as the RFCs have it."""

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.datagram import is_stun
from services.stun import (
    MAX_STUN,
    Kind,
    Name,
    StunError,
    change_port,
    claim,
    format_stun,
    mapped,
    parse_stun,
    refused,
)

KEY = b"0d6c1f4b7a92e853c1604bd7f28e953a"
NUMBER = bytes(range(12))

RFC_5769_REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)
"""Section 2.1; its integrity is the older one, which is not checked here."""
RFC_5769_RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220"
    "002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
"""Section 2.2."""
RFC_8489_REQUEST = bytes.fromhex(
    "000100902112a44278ad3433c6ad72c029da412e"
    "001e00204a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704"
    "001500296f624d61744a6f733241414143662f2f3439396b393534643"
    "64f4c33346f4c394653547679363473410000000014000b6578616d706c652e6f726700"
    "001d000400020000001c0020b5c7bf005b6c52a21c51c5e892f819241362"
    "96cb927c4314930927 8cc6518e65".replace(" ", "")
)
"""Appendix B.1, with the correction of erratum 6268."""


def test_the_request_of_rfc_5769_is_read() -> None:
    message = parse_stun(RFC_5769_REQUEST)

    assert message.kind is Kind.REQUEST
    assert message.transaction.hex() == "b7e7a701bc34d686fa87dfae"
    assert message.username == "evtj:h6vY"
    # PRIORITY and the older integrity have to be understood, and are not.
    assert message.not_understood == [0x0024, 0x0008]


def test_the_response_of_rfc_5769_tells_the_address() -> None:
    message = parse_stun(RFC_5769_RESPONSE)

    assert message.kind is Kind.RESPONSE
    assert message.mapped == ("192.0.2.1", 32853)


def test_the_integrity_of_rfc_8489_is_right_for_its_key_and_for_no_other() -> None:
    message = parse_stun(RFC_8489_REQUEST)
    user, realm, password = "マトリックス", "example.org", "TheMatrIX"
    key = hashlib.sha256(f"{user}:{realm}:{password}".encode()).digest()

    assert message.is_signed_by(key)
    assert not message.is_signed_by(key[:-1])


attributes = st.lists(
    st.tuples(
        st.integers(0, 0xFFFF).filter(lambda name: name not in set(Name)), st.binary(max_size=40)
    )
    | st.builds(claim, st.text("0123456789abcdef:", max_size=40))
    | st.builds(mapped, st.tuples(st.ip_addresses(v=4).map(str), st.integers(0, 65535)))
    | st.just(change_port()),
    max_size=6,
)


@given(
    st.sampled_from(Kind), st.binary(min_size=12, max_size=12), attributes, st.none() | st.binary()
)
def test_a_message_is_read_as_it_was_written(
    kind: Kind, number: bytes, written: list[tuple[int, bytes]], key: bytes | None
) -> None:
    data = format_stun(kind, number, written, key=key)
    message = parse_stun(data)

    assert is_stun(data)
    assert (message.kind, message.transaction) == (kind, number)
    assert message.attributes == dict(reversed(written))
    assert message.is_signed_by(key or b"") is (key is not None)


@given(st.tuples(st.ip_addresses(v=4).map(str), st.integers(0, 65535)))
def test_an_address_comes_back_and_stands_nowhere_as_it_is(address: tuple[str, int]) -> None:
    message = parse_stun(format_stun(Kind.RESPONSE, NUMBER, [mapped(address)]))

    assert message.mapped == address


SIGNED = format_stun(Kind.REQUEST, NUMBER, [claim("6f1d20c4")], key=KEY)


@given(st.integers(0, len(SIGNED) - 9), st.integers(1, 255))
def test_a_damaged_message_is_refused_or_proves_nothing(at: int, change: int) -> None:
    data = bytearray(SIGNED)
    data[at] ^= change

    with contextlib.suppress(StunError):
        assert not parse_stun(bytes(data)).is_signed_by(KEY)


def _headed(rest: bytes) -> bytes:
    rest = rest[: len(rest) // 4 * 4]
    return b"\0\x01" + len(rest).to_bytes(2) + bytes.fromhex("2112a442") + NUMBER + rest


@given(st.binary(max_size=600) | st.binary(max_size=600).map(_headed))
def test_whatever_comes_nothing_but_a_stun_error_is_raised(data: bytes) -> None:
    with contextlib.suppress(StunError):
        message = parse_stun(data)
        assert message.username is None or len(message.username) <= MAX_STUN
        assert message.change >= 0
        assert message.mapped is None or len(message.mapped) == 2


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no STUN"),
        (b"CHAT/1 {}", "no STUN"),
        (_headed(b"")[:-1], "no STUN"),
        (_headed(b"") + b"\0", "length"),
        (_headed(bytes(MAX_STUN)), "no STUN"),
        (b"\0\x03" + _headed(b"")[2:], "method"),
        (b"\x40\x01" + _headed(b"")[2:], "no STUN"),
        (_headed(b"\0\x06\0\x05abcd"), "longer"),
        (_headed(b"\0\x20\0\x04\0\x01\0\0"), "wrong length"),
        (_headed(b"\x80\x28\0\x04\0\0\0\0"), "fingerprint"),
        (format_stun(Kind.REQUEST, NUMBER)[:-1] + b"\0", "fingerprint"),
    ],
)
def test_what_is_not_in_the_grammar_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(StunError, match=why):
        parse_stun(data)


def test_what_stands_behind_the_integrity_is_not_believed() -> None:
    body = SIGNED[20:-8] + bytes.fromhex("0003000400000002")
    message = parse_stun(_headed(body))

    assert message.is_signed_by(KEY)
    assert message.change == 0


def test_an_error_names_what_was_not_understood() -> None:
    message = parse_stun(format_stun(Kind.ERROR, NUMBER, refused([0x0024, 0x0008])))

    assert message.attributes[Name.ERROR_CODE] == bytes((0, 0, 4, 20))
    assert message.attributes[Name.UNKNOWN_ATTRIBUTES] == bytes((0, 0x24, 0, 8))
