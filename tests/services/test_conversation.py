import io

from services.protocol import parse_reply
from services.punch import Hole
from services.server.console import Console
from services.server.conversation import Caller, Conversation
from services.server.registry import Registry
from services.server.rendezvous import Rendezvous

LOGIN = 'LOGIN {"version":3,"username":"U1","password":"pw"}'


def test_a_client_is_told_nothing_unasked_before_its_login_has_been_answered() -> None:
    printed = io.StringIO()
    rendezvous = Rendezvous(Registry(), bytes, lambda: 0.0)
    left: list[bytes] = []

    def leave(line: bytes) -> bool:
        left.append(line)
        return True

    def converse(ip: str) -> Conversation:
        return Conversation(
            Caller((ip, 50001), leave),
            rendezvous,
            "pw",
            Console(printed, printed),
            longest_username=32,
            hold_back=lambda: None,
        )

    asking, asked = converse("10.0.0.2"), converse("10.0.0.3")
    for conversation in (asking, asked):
        assert conversation.answer(LOGIN).startswith(b"OK ")
    assert asking.answer('PUNCH {"label":"USER 2"}').startswith(b"ERROR ")
    assert left == []
    asked.sent()

    assert asking.answer('PUNCH {"label":"USER 2"}').startswith(b"PUNCH ")
    (line,) = left
    assert isinstance(parse_reply(line.decode().rstrip("\n")), Hole)
