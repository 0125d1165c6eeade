import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.server.reflector import AMPLIFICATION, Answer, Ignored, reflect
from services.stun import Kind, Name, change_port, claim, format_stun, parse_stun
from services.values import Address

SOURCE = ("203.0.113.7", 60155)
NUMBER = bytes(range(12))
KEY = b"0d6c1f4b7a92e853"


class Registrar:
    """Knows one client, and remembers where it was registered."""

    def __init__(self, *, may: bool = True) -> None:
        self.registered: list[tuple[str, Address]] = []
        self._may = may

    def key_of(self, username: str) -> bytes | None:
        return KEY if username == "6f1d20c4" else None

    def register(self, username: str, seen: Address, transaction: bytes) -> bool:
        assert transaction == NUMBER
        self.registered.append((username, seen))
        return self._may


def request(*attributes: tuple[int, bytes], key: bytes | None = None) -> bytes:
    return format_stun(Kind.REQUEST, NUMBER, attributes, key=key)


def test_anybody_is_told_where_they_are_seen() -> None:
    registrar = Registrar()
    answer = reflect(request(), SOURCE, registrar)

    assert isinstance(answer, Answer)
    assert not answer.other_port
    message = parse_stun(answer.data)
    assert (message.kind, message.transaction) == (Kind.RESPONSE, NUMBER)
    assert message.mapped == SOURCE
    assert not message.integrity
    assert registrar.registered == []


def test_who_knows_the_password_is_registered_and_gets_a_signed_answer() -> None:
    registrar = Registrar()
    answer = reflect(request(claim("6f1d20c4"), key=KEY), SOURCE, registrar)

    assert isinstance(answer, Answer)
    assert registrar.registered == [("6f1d20c4", SOURCE)]
    message = parse_stun(answer.data)
    assert message.mapped == SOURCE
    assert message.is_signed_by(KEY)


def test_an_answer_comes_from_another_port_where_that_is_asked_for() -> None:
    answer = reflect(request(change_port()), SOURCE, Registrar())

    assert isinstance(answer, Answer)
    assert answer.other_port


@pytest.mark.parametrize(
    ("attribute", "unknown"),
    [
        ((0x0024, b"abcd"), 0x0024),
        ((Name.CHANGE_REQUEST, bytes((0, 0, 0, 4))), Name.CHANGE_REQUEST),
        ((Name.CHANGE_REQUEST, bytes((0, 0, 0, 6))), Name.CHANGE_REQUEST),
    ],
)
def test_what_is_not_understood_is_named(attribute: tuple[int, bytes], unknown: int) -> None:
    answer = reflect(request(attribute), SOURCE, Registrar())

    assert isinstance(answer, Answer)
    assert not answer.other_port
    message = parse_stun(answer.data)
    assert message.kind is Kind.ERROR
    assert message.attributes[Name.UNKNOWN_ATTRIBUTES] == unknown.to_bytes(2)


def test_what_may_be_ignored_is_ignored() -> None:
    answer = reflect(request((0x8022, b"some software")), SOURCE, Registrar())

    assert isinstance(answer, Answer)
    assert parse_stun(answer.data).kind is Kind.RESPONSE


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"HELLO", "no STUN"),
        (request(claim("6f1d20c4"), key=b"guess"), "wrong key"),
        (request(claim("6f1d20c4")), "wrong key"),
        (request(claim("somebody"), key=KEY), "wrong key"),
        (format_stun(Kind.INDICATION, NUMBER), "no request"),
        (format_stun(Kind.RESPONSE, NUMBER), "no request"),
    ],
)
def test_the_rest_gets_no_answer_and_is_counted(data: bytes, kind: str) -> None:
    registrar = Registrar()

    assert reflect(data, SOURCE, registrar) == Ignored(kind)
    assert registrar.registered == []


def test_an_address_that_may_not_be_registered_gets_no_answer() -> None:
    data = request(claim("6f1d20c4"), key=KEY)

    assert reflect(data, SOURCE, Registrar(may=False)) == Ignored("wrong address")


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=4)), max_size=60))
def test_no_answer_is_much_longer_than_its_request(attributes: list[tuple[int, bytes]]) -> None:
    data = b"".join(
        name.to_bytes(2) + len(value).to_bytes(2) + value + bytes(-len(value) % 4)
        for name, value in attributes
    )
    header = b"\0\x01" + len(data).to_bytes(2) + bytes.fromhex("2112a442") + NUMBER
    answer = reflect(header + data, SOURCE, Registrar())

    if isinstance(answer, Answer):
        assert len(answer.data) <= AMPLIFICATION * len(header + data)
