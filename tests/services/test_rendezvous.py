import random

from services.nat import Behaviour, Nat
from services.parameters import Parameters
from services.protocol import Refused, parse_reply
from services.punch import Hole
from services.server.allowance import BURST
from services.server.registry import Registry
from services.server.rendezvous import Rendezvous
from services.values import Address

SEEN, OTHER = ("203.0.113.7", 60155), ("203.0.113.9", 50001)
STRICT = Nat(Behaviour.ENDPOINT_INDEPENDENT, Behaviour.ADDRESS_AND_PORT_DEPENDENT)


class Server:
    """A rendezvous with clients whose lines are kept."""

    def __init__(self, *, stun: bool = True) -> None:
        self.now = 0.0
        self.registry = Registry()
        self.rendezvous = Rendezvous(self.registry, random.Random(1).randbytes, lambda: self.now)
        self.rendezvous.ports = (12345, 40873) if stun else None
        self.lines: dict[str, list[bytes]] = {}

    def log_in(self, address: Address, *, version: int = 3) -> str:
        label = self.registry.add(address)
        if version == 3:
            self.lines[label] = []
            self.stun = self.rendezvous.enter(label, lambda line: self._deliver(label, line))
        return label

    def _deliver(self, label: str, line: bytes) -> bool:
        self.lines[label].append(line)
        return True

    def punch(self, asker: str, asked: str) -> Hole | str:
        reply = parse_reply(self.rendezvous.punch(asker, asked).decode().rstrip("\n"))
        if isinstance(reply, Refused):
            return reply.name
        assert isinstance(reply, Hole)
        return reply

    def told(self, label: str) -> Hole:
        hole = parse_reply(self.lines[label].pop().decode().rstrip("\n"))
        assert isinstance(hole, Hole)
        return hole


def test_both_are_told_the_same_credentials_and_the_others_addresses() -> None:
    server = Server()
    one, two = server.log_in(SEEN), server.log_in(OTHER)
    assert server.stun
    assert server.rendezvous.register(server.stun.username, (OTHER[0], 7777), bytes([1]))
    server.registry.offer(two, Parameters((("192.168.1.2", 50001),), (), {}))
    server.registry.stands_behind(two, STRICT)
    asked = server.punch(one, two)
    told = server.told(two)

    assert isinstance(asked, Hole)
    assert asked.addresses == ((OTHER[0], 7777), ("192.168.1.2", 50001))
    assert (asked.label, asked.asked, asked.nat) == (two, True, STRICT)
    assert told.addresses == (SEEN,)
    assert (told.label, told.asked, told.nat) == (one, False, None)
    assert (asked.username, asked.password) == (told.username, told.password)
    assert (asked.sent_as, asked.received_as) == (told.received_as, told.sent_as)
    assert asked.sent_as != told.sent_as
    again = server.punch(one, two)
    assert isinstance(again, Hole)
    assert again.password != asked.password


def test_who_cannot_be_punched_to_is_an_error_and_nobody_is_told() -> None:
    server = Server()
    one, old = server.log_in(SEEN), server.log_in(OTHER, version=2)
    gone = server.log_in(OTHER)
    server.registry.remove(gone)
    server.rendezvous.leave(gone)

    assert server.punch(one, old) == "no-punching"
    assert server.punch(old, one) == "no-punching"
    assert server.punch(one, one) == "no-punching"
    assert server.punch(one, gone) == "unknown-label"
    assert server.lines[one] == server.lines[gone] == []


def test_holes_are_asked_for_no_more_often_than_is_allowed() -> None:
    server = Server()
    one, two = server.log_in(SEEN), server.log_in(OTHER)
    found = [server.punch(one, two) for _ in range(BURST + 1)]

    assert found[-1] == "too-many-punches"
    assert all(isinstance(hole, Hole) for hole in found[:-1])
    assert len(server.lines[two]) == BURST
    assert isinstance(server.punch(two, one), Hole)
    server.now += 0.25
    assert isinstance(server.punch(one, two), Hole)
    assert server.punch(one, two) == "too-many-punches"


def test_neither_a_new_login_nor_what_is_refused_gives_more_holes() -> None:
    server = Server()
    one, two = server.log_in(SEEN), server.log_in(OTHER)
    for _ in range(BURST - 1):
        assert server.punch(one, "USER 99") == "unknown-label"
    server.registry.remove(one)
    server.rendezvous.leave(one)
    again = server.log_in((SEEN[0], 7777))

    assert isinstance(server.punch(again, two), Hole)
    assert server.punch(again, two) == "too-many-punches"


def test_who_takes_no_more_lines_is_not_asked() -> None:
    server = Server()
    one, two = server.log_in(SEEN), server.registry.add(OTHER)
    server.rendezvous.enter(two, lambda _: False)

    assert server.punch(one, two) == "too-many-punches"


def test_only_the_port_of_an_address_can_be_registered_and_nobody_elses() -> None:
    server = Server()
    one = server.log_in(SEEN)
    mine = server.stun
    server.log_in((SEEN[0], 50002))
    assert mine

    assert not server.rendezvous.register(mine.username, OTHER, bytes([2]))
    assert not server.rendezvous.register(mine.username, (SEEN[0], 50002), bytes([3]))
    assert not server.rendezvous.register("nobody", (SEEN[0], 7777), bytes([4]))
    assert server.registry.client_addresses[one] == SEEN
    assert server.rendezvous.register(mine.username, (SEEN[0], 7777), bytes([5]))
    assert server.rendezvous.register(mine.username, (SEEN[0], 7777), bytes([6]))
    assert server.registry.client_addresses[one] == (SEEN[0], 7777)


def test_who_has_left_has_no_key_any_more() -> None:
    server = Server()
    one = server.log_in(SEEN)
    assert server.stun
    assert server.rendezvous.key_of(server.stun.username) == server.stun.password.encode()
    server.rendezvous.leave(one)
    server.rendezvous.leave(one)

    assert server.rendezvous.key_of(server.stun.username) is None
    assert not server.rendezvous.register(server.stun.username, (SEEN[0], 7777), bytes([7]))


def test_without_stun_there_are_no_credentials_and_holes_can_be_punched_all_the_same() -> None:
    server = Server(stun=False)
    one, two = server.log_in(SEEN), server.log_in(OTHER)

    assert server.stun is None
    assert isinstance(server.punch(one, two), Hole)


def test_a_registration_that_is_sent_again_from_elsewhere_registers_nothing() -> None:
    server = Server()
    one = server.log_in(SEEN)
    assert server.stun
    assert server.rendezvous.register(server.stun.username, (SEEN[0], 7777), b"first")
    server.now += 60.0

    assert not server.rendezvous.register(server.stun.username, (SEEN[0], 8888), b"first")
    assert server.rendezvous.register(server.stun.username, (SEEN[0], 7777), b"first")
    assert server.registry.client_addresses[one] == (SEEN[0], 7777)
    assert server.rendezvous.register(server.stun.username, (SEEN[0], 8888), b"second")
