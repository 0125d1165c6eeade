import pytest

from services.client.guard import SuspiciousError
from services.client.seals import Seals
from services.datagram import NONCE
from services.seal import seal

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
HELLO = b"CHAT/1 HELLO"
HERE = ("10.201.0.3", 40211)
ELSEWHERE = ("10.201.0.4", 40211)


def sealed(data: bytes = HELLO, key: bytes = KEY, to: str = "USER 1") -> bytes:
    return seal(data, key, bytes(NONCE), "USER 2", to)


class Answering:
    """The seals of USER 1, whose server gives the same key whenever it is asked, or none."""

    def __init__(self, key: bytes | None = KEY) -> None:
        self.questions: list[str] = []
        self.key = key
        self.seals = Seals(self._asked, bytes, 2)
        self.seals.log_in("USER 1", {})

    def _asked(self) -> None:
        if self.key is not None:
            self._answer(self.key)

    def _answer(self, key: bytes) -> None:
        label = self.seals.take_question()
        assert label
        self.questions.append(label)
        self.seals.learn(label, key)


def test_the_key_of_a_sender_is_asked_for_once() -> None:
    server = Answering()

    assert server.seals.open(sealed(), "USER 2", HERE) == HELLO
    assert server.seals.open(sealed(b"CHAT/1 again"), "USER 2", HERE) == b"CHAT/1 again"
    assert server.questions == ["USER 2"]


def test_what_one_seals_the_other_opens() -> None:
    seals, other = Answering().seals, Answering().seals
    seals.learn("USER 2", KEY)
    other.log_in("USER 2", {})

    assert other.open(seals.seal(HELLO, "USER 2"), "USER 1", HERE) == HELLO


@pytest.mark.parametrize(
    ("datagram", "sender", "kind"),
    [
        (sealed(key=OTHER_KEY), "USER 2", "forged"),
        (sealed(to="USER 3"), "USER 2", "forged"),
        (sealed(), "USER 3", "forged"),
        (sealed()[:-1], "USER 2", "forged"),
        (b"CHAT/2 ", "USER 2", "forged"),
        (sealed(b"HELLO"), "USER 2", "damaged"),
        (sealed(sealed()), "USER 2", "damaged"),
        (sealed(), None, "unreadable"),
    ],
)
def test_what_is_not_sealed_for_this_client_by_this_sender_is_told_apart(
    datagram: bytes, sender: str | None, kind: str
) -> None:
    with pytest.raises(SuspiciousError, match=f"^{kind}$"):
        Answering().seals.open(datagram, sender, HERE)


def test_a_silent_server_holds_up_one_datagram_and_is_asked_nothing_more() -> None:
    seals = Answering(key=None).seals
    for _ in range(3):
        with pytest.raises(SuspiciousError, match=r"^unreadable$"):
            seals.open(sealed(), "USER 2", HERE)

    assert seals.take_question() == "USER 2"
    with pytest.raises(SuspiciousError, match=r"^unreadable$"):
        seals.open(sealed(), "USER 2", HERE)
    assert seals.take_question() is None
    seals.learn("USER 2", KEY)
    assert seals.open(sealed(), "USER 2", HERE) == HELLO


def test_a_key_that_somebody_else_waits_for_answers_no_other_question() -> None:
    seals = Answering(key=None).seals
    with pytest.raises(SuspiciousError):
        seals.open(sealed(), "USER 2", HERE)
    seals.learn("USER 3", OTHER_KEY)
    seals.take_question()

    with pytest.raises(SuspiciousError):
        seals.open(sealed(), "USER 4", HERE)
    assert seals.take_question() is None


def test_after_the_server_has_gone_nobody_is_asked_and_known_keys_stay() -> None:
    server = Answering()
    server.seals.open(sealed(), "USER 2", HERE)
    server.seals.close()

    assert server.seals.open(sealed(), "USER 2", HERE) == HELLO
    with pytest.raises(SuspiciousError, match=r"^unreadable$"):
        server.seals.open(sealed(), "USER 3", HERE)
    assert server.questions == ["USER 2"]


def test_keys_of_earlier_logins_open_what_comes_late_until_they_are_too_many() -> None:
    server = Answering()
    server.seals.open(sealed(), "USER 2", HERE)
    server.key = OTHER_KEY
    server.seals.log_in("USER 3", {HERE: "USER 2"})

    assert server.seals.open(sealed(), "USER 2", HERE) == HELLO
    assert server.seals.open(sealed(key=OTHER_KEY, to="USER 3"), "USER 2", HERE) == HELLO
    server.seals.log_in("USER 4", {HERE: "USER 2"})
    with pytest.raises(SuspiciousError, match=r"^forged$"):
        server.seals.open(sealed(), "USER 2", HERE)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({ELSEWHERE: "USER 2"}, id="they were elsewhere"),
        pytest.param({HERE: "USER 4", ELSEWHERE: "USER 2"}, id="somebody else was here"),
        pytest.param({}, id="it is not known where they were"),
    ],
)
def test_what_somebody_sealed_before_is_not_shown_as_anothers_who_has_the_label_now(
    known: dict[tuple[str, int], str],
) -> None:
    server = Answering()
    server.seals.learn("USER 2", KEY)
    server.key = OTHER_KEY
    server.seals.log_in("USER 1", known)

    with pytest.raises(SuspiciousError, match=r"^forged$"):
        server.seals.open(sealed(), "USER 2", HERE)
    assert server.seals.open(sealed(key=OTHER_KEY), "USER 2", HERE) == HELLO


def test_who_has_left_is_asked_about_once_and_nothing_is_sealed_for_them() -> None:
    server = Answering(key=None)
    server.seals.learn("USER 2", None)

    with pytest.raises(SuspiciousError, match=r"^unreadable$"):
        server.seals.open(sealed(), "USER 2", HERE)
    assert server.seals.take_question() is None
    with pytest.raises(KeyError):
        server.seals.seal(HELLO, "USER 2")


def test_a_new_login_seals_with_no_key_of_an_earlier_one() -> None:
    seals = Answering().seals
    seals.learn("USER 2", KEY)
    seals.log_in("USER 3", {HERE: "USER 2"})

    with pytest.raises(KeyError):
        seals.seal(HELLO, "USER 2")
