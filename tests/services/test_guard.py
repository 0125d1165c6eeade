import pytest

from services.client.guard import REMEMBERED, Guard
from services.datagram import MAX_DATAGRAM, ChatMessage, format_datagram

SOURCE = ("10.201.0.3", 40211)
OTHER = ("10.201.0.3", 40212)


def chat(message_id: str = "m1", sender: str = "USER 2") -> bytes:
    return format_datagram(ChatMessage(message_id, sender, 0.0, "HELLO"))


@pytest.fixture
def guard() -> Guard:
    return Guard(lambda: 0.0)


@pytest.mark.parametrize(
    "data", [b"", b"HELLO", b"\xff", b"CHAT/3 {}", chat(), b"x" * MAX_DATAGRAM]
)
def test_a_message_and_what_claims_to_be_none_is_let_in(guard: Guard, data: bytes) -> None:
    assert guard.admits(data, SOURCE)
    assert guard.report() is None


@pytest.mark.parametrize(
    ("data", "report"),
    [
        (b"x" * (MAX_DATAGRAM + 1), "Suspicious datagrams: 1 oversized."),
        (chat() + b" " * MAX_DATAGRAM, "Suspicious datagrams: 1 oversized."),
        (b"CHAT/1 ", "Suspicious datagrams: 1 damaged."),
        (b"CHAT/1 \xff", "Suspicious datagrams: 1 damaged."),
        (chat()[:-1], "Suspicious datagrams: 1 damaged."),
        (b"CHAT/1 " + b"[" * 1100, "Suspicious datagrams: 1 damaged."),
        (b"CHAT/2 " + bytes(100), "Suspicious datagrams: 1 unreadable."),
    ],
)
def test_what_is_too_long_or_damaged_is_kept_out_and_told(
    guard: Guard, data: bytes, report: str
) -> None:
    assert not guard.admits(data, SOURCE)
    assert guard.report() == report


@pytest.mark.parametrize(
    ("data", "report"),
    [
        (chat(), "Suspicious datagrams: 1 unsealed."),
        (b"HELLO", "Suspicious datagrams: 1 unsealed."),
        (b"\x80\x00" + bytes(170), "Suspicious datagrams: 1 unsealed."),
        (b"CHAT/2 " + bytes(MAX_DATAGRAM), "Suspicious datagrams: 1 oversized."),
        (b"CHAT/2 ", None),
    ],
)
def test_where_all_is_sealed_what_is_in_clear_is_kept_out_and_told(
    guard: Guard, data: bytes, report: str | None
) -> None:
    assert guard.admits_sealed(data) is (report is None)
    assert guard.report() == report


def test_a_message_is_replayed_if_its_id_has_come_from_the_same_address(guard: Guard) -> None:
    assert guard.admits(chat("m1"), SOURCE)
    assert guard.admits(chat("m2"), SOURCE)
    assert guard.admits(chat("m1"), OTHER)
    assert guard.report() is None
    assert not guard.admits(chat("m1"), SOURCE)
    assert not guard.admits(chat("m1", "USER 3"), SOURCE)
    assert guard.report() == "Suspicious datagrams: 2 replayed."


def test_no_more_ids_are_remembered_than_said(guard: Guard) -> None:
    for number in range(REMEMBERED):
        guard.admits(chat(f"m{number}"), SOURCE)
    assert not guard.admits(chat("m0"), SOURCE)
    guard.admits(chat("one-more"), SOURCE)

    assert guard.admits(chat("m0"), SOURCE)


@pytest.mark.parametrize(
    ("label", "known", "spoofed"),
    [
        ("USER 2", {"USER 2"}, 0),
        ("USER 3", {"USER 2", "USER 3"}, 1),
        ("USER 3", {"USER 3"}, 1),
        (None, {"USER 2"}, 1),
        (None, set(), 0),
    ],
)
def test_a_claim_is_false_if_somebody_else_has_the_address_or_the_label(
    guard: Guard, label: str | None, known: set[str], spoofed: int
) -> None:
    guard.compare(chat(sender="USER 2"), label, known.__contains__)

    assert guard.report() == ("Suspicious datagrams: 1 spoofed." if spoofed else None)


def test_text_of_another_format_claims_nothing(guard: Guard) -> None:
    guard.compare(b"from USER 2", None, {"USER 2"}.__contains__)

    assert guard.report() is None
