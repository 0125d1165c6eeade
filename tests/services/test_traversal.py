"""Getting through NATs, the lab's and those of theory, in memory."""

import re
from pathlib import Path

import pytest

from services.client import discovery
from services.client.news import Found, Punched
from services.client.path import KEPT_FOR, MISSED
from services.client.punching import PAUSES, WITHIN
from services.client.traversal import MAX_KEYS, MAX_PUNCHING, MENU_WAITS
from services.nat import Behaviour, Nat, why_unreachable
from services.parameters import Parameters
from services.protocol import parse_reply
from services.punch import Hole
from services.stun import Kind, claim, format_stun
from tests.services.nats import (
    ADDRESS_RESTRICTED,
    CLASSIC,
    FULL_CONE,
    NAMES,
    PORT_RESTRICTED,
    SERVER,
    SYMMETRIC,
    Client,
    World,
    behind,
    public,
)

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
BOTH = "its NAT and yours both take another port for each destination"
ITS = (
    "its NAT takes another port for each destination, and yours lets in only answers from the very"
)
YOURS = (
    "your NAT takes another port for each destination, and its NAT lets in only answers from the"
)
WHY = {
    (PORT_RESTRICTED, SYMMETRIC): ITS,
    (SYMMETRIC, PORT_RESTRICTED): YOURS,
    (SYMMETRIC, SYMMETRIC): BOTH,
}
"""Who does not get through to whom, and how that is said; everybody else does."""


@pytest.mark.parametrize("theirs", CLASSIC, ids=NAMES)
@pytest.mark.parametrize("mine", CLASSIC, ids=NAMES)
def test_who_gets_through_to_whom_is_what_theory_says(mine: Nat, theirs: Nat) -> None:
    world = World(mine, theirs)
    asking, asked = behind(world, 1), behind(world, 2)
    asking.punch(asked)
    world.pass_time(WITHIN + 0.1)

    found = asking.outcome(asked)
    if why := WHY.get((mine, theirs)):
        assert found.why
        assert found.why.startswith(why)
        assert found.why.endswith("Only a relay could help; there is none")
        assert asking.traversal.path_to(asked.label) is None
        assert asked.traversal.path_to(asking.label) is None
    else:
        assert found.why is None
        asking.say(b"to you", asked)
        asked.say(b"and to you", asking)
        assert asked.messages == [(b"to you", asking.label)]
        assert asking.messages == [(b"and to you", asked.label)]
    assert asking.suspicious == asked.suspicious == 0


def test_the_table_in_the_document_is_the_one_above() -> None:
    rows = re.findall(r"^\| \*\*([a-z -]+)\*\* \| (.*) \|$", DOCUMENT, re.MULTILINE)
    documented = {
        (CLASSIC[NAMES.index(mine)], theirs): cell == "yes"
        for mine, cells in rows
        if mine in NAMES
        for theirs, cell in zip(CLASSIC, cells.split(" | "), strict=True)
    }

    assert documented == {
        (mine, theirs): (mine, theirs) not in WHY for mine in CLASSIC for theirs in CLASSIC
    }


def test_the_reason_in_the_document_is_what_the_client_says() -> None:
    assert (
        f"Cannot send to USER 2: {why_unreachable(PORT_RESTRICTED, SYMMETRIC, is_behind=True)}."
        in DOCUMENT
    )


@pytest.mark.parametrize(
    ("mine", "theirs", "told"),
    [
        (None, SYMMETRIC, "yours is no NAT that is known of"),
        (PORT_RESTRICTED, PORT_RESTRICTED, "theirs is a NAT of endpoint-independent mapping"),
        (SYMMETRIC, FULL_CONE, "yours is a NAT of address-and-port-dependent mapping"),
    ],
)
def test_where_nothing_comes_although_it_could_both_kinds_are_named(
    mine: Nat | None, theirs: Nat | None, told: str
) -> None:
    why = why_unreachable(mine, theirs, is_behind=mine is not None)

    assert why.startswith("nothing came through, although it could: ")
    assert told in why


def test_who_is_behind_a_nat_that_could_not_be_found_out_about_is_told_of_it() -> None:
    world = World(FULL_CONE)
    hidden, open_ = Client(world, ("10.1.0.2", 5001)), public(world)
    del world.clients[open_.label]
    hidden.punch(open_)
    world.pass_time(WITHIN + 0.1)

    why = hidden.outcome(open_).why
    assert why
    assert "theirs is no NAT that is known of, yours could not be found out about" in why


@pytest.mark.parametrize("public_asks", [True, False])
def test_who_could_not_register_is_reached_by_who_is_behind_no_nat(*, public_asks: bool) -> None:
    world = World(PORT_RESTRICTED)
    hidden, open_ = Client(world, ("10.1.0.2", 5001)), public(world)
    assert b'"behind":["USER 1"]' in world.rendezvous.registry.listing(3)
    asking, asked = (open_, hidden) if public_asks else (hidden, open_)
    asking.punch(asked)
    world.pass_time(1.0)

    asking.say(b"to you", asked)
    assert asked.messages == [(b"to you", asking.label)]


@pytest.mark.parametrize("kind", CLASSIC, ids=NAMES)
@pytest.mark.parametrize("public_asks", [True, False])
def test_everybody_gets_through_to_who_is_behind_no_nat(kind: Nat, *, public_asks: bool) -> None:
    world = World(kind)
    hidden, open_ = behind(world, 1), public(world)
    asking, asked = (open_, hidden) if public_asks else (hidden, open_)
    asking.punch(asked)
    world.pass_time(1.0)

    assert asking.outcome(asked).why is None
    asking.say(b"to you", asked)
    asked.say(b"and to you", asking)
    assert asked.messages == [(b"to you", asking.label)]
    assert asking.messages == [(b"and to you", asked.label)]


@pytest.mark.parametrize("kind", CLASSIC, ids=NAMES)
def test_two_behind_one_nat_take_the_way_that_does_not_pass_it(kind: Nat) -> None:
    world = World(kind)
    first, second = behind(world, 1, 2), behind(world, 1, 3)
    first.punch(second)
    world.pass_time(1.0)

    assert first.traversal.path_to(second.label) == second.host
    assert second.traversal.path_to(first.label) == first.host


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (FULL_CONE, ADDRESS_RESTRICTED),
        (ADDRESS_RESTRICTED, ADDRESS_RESTRICTED),
        (PORT_RESTRICTED, PORT_RESTRICTED),
        (SYMMETRIC, SYMMETRIC),
        (
            Nat(Behaviour.ADDRESS_DEPENDENT, Behaviour.ENDPOINT_INDEPENDENT),
            ADDRESS_RESTRICTED,
        ),
        (
            Nat(Behaviour.ADDRESS_AND_PORT_DEPENDENT, Behaviour.ADDRESS_DEPENDENT),
            Nat(Behaviour.ADDRESS_AND_PORT_DEPENDENT, Behaviour.ADDRESS_DEPENDENT),
        ),
    ],
)
def test_what_depends_on_the_port_is_found_out(kind: Nat, found: Nat) -> None:
    client = behind(World(kind), 1)

    assert client.nat == found


@pytest.mark.parametrize("kind", CLASSIC, ids=NAMES)
def test_the_list_has_the_address_that_the_world_sees(kind: Nat) -> None:
    world = World(kind)
    client = behind(world, 1)
    world.start(client.host, (SERVER, 12345), b"who am I")
    assert client.listed[0] == "192.0.2.1"
    world.arrive(0)

    source, _, _ = world.last(SERVER)
    assert client.listed == source
    assert b'"behind":["USER 1"]' in world.rendezvous.registry.listing(3)
    assert b"behind" not in world.rendezvous.registry.listing(2)


def test_a_menu_waits_no_longer_than_it_may_for_a_server_that_does_not_answer() -> None:
    world = World(FULL_CONE)
    client = behind(world, 1)
    client.news.clear()
    assert client.stun
    client.traversal.register("192.0.2.99", client.stun, client.label, client.host)
    world.pass_time(MENU_WAITS - 0.02)
    assert client.news == []
    world.pass_time(0.04)

    assert client.news == [Found(None)]


def test_nobody_is_asked_for_more_checks_than_the_document_says() -> None:
    world = World(SYMMETRIC, SYMMETRIC)
    asking, asked = behind(world, 1), behind(world, 2)
    before = world.sent
    asking.punch(asked)
    world.pass_time(30.0)

    # To the address on the list each; and two refreshes.
    checks = 2 * (len(PAUSES) + 1)
    assert world.sent - before <= checks + 2 * 2 * 2


@pytest.mark.parametrize(
    ("peer", "checked"),
    [("192.0.2.1", {"192.0.2.1", "192.168.1.2"}), ("192.0.2.7", {"192.0.2.7"})],
    ids=["behind the same NAT", "elsewhere"],
)
def test_one_private_address_is_checked_because_a_peer_behind_the_same_nat_offers_it(
    peer: str, checked: set[str]
) -> None:
    world = World(FULL_CONE)
    client = behind(world, 1)
    world.addressed.clear()
    addresses = (peer, "172.32.0.1", "8.8.8.8", "127.0.0.1", "192.168.1.2", "172.16.0.1")
    client.traversal.punch(
        Hole(
            "USER 9",
            asked=False,
            username="0" * 16,
            password="0" * 32,
            addresses=tuple((address, 5000) for address in addresses),
            nat=None,
        )
    )
    world.pass_time(1.0)

    assert world.addressed == checked


def test_who_is_behind_no_nat_checks_no_address_because_a_peer_offers_it() -> None:
    world = World(FULL_CONE)
    hidden, open_ = behind(world, 1), public(world)
    offered = Parameters((("192.168.1.2", 5000), ("10.9.0.1", 5000)), (), {})
    world.rendezvous.registry.offer(hidden.label, offered)
    world.addressed.clear()
    hidden.punch(open_)
    world.pass_time(1.0)

    assert world.addressed == {"192.0.2.1", "192.0.2.200"}


def test_a_path_is_kept_open_while_it_is_in_use_and_then_forgotten() -> None:
    world = World(PORT_RESTRICTED, PORT_RESTRICTED)
    first, second = behind(world, 1), behind(world, 2)
    first.punch(second)
    world.pass_time(1.0)
    world.pass_time(200.0)
    first.say(b"still there", second)

    assert second.messages == [(b"still there", first.label)]
    world.pass_time(KEPT_FOR + 16)
    assert first.traversal.path_to(second.label) is None


def test_a_path_to_who_has_gone_without_a_word_is_forgotten_though_it_is_in_use() -> None:
    world = World(PORT_RESTRICTED, PORT_RESTRICTED)
    first, second = behind(world, 1), behind(world, 2)
    first.punch(second)
    world.pass_time(1.0)
    del world.clients[second.label]
    for _ in range(MISSED + 1):
        assert first.traversal.path_to(second.label)
        world.pass_time(15.0)

    assert first.traversal.path_to(second.label) is None


def test_a_registration_that_gets_no_answer_is_sent_again_and_a_good_one_is_not() -> None:
    world = World(PORT_RESTRICTED)
    client = behind(world, 1)
    world.pass_time(20.0)
    before = world.sent
    world.pass_time(15.0)
    assert world.sent - before == 2
    world.rendezvous.leave(client.label)
    before = world.sent
    world.pass_time(16.0)

    assert world.sent - before == len(discovery.PAUSES) + 1


def test_who_is_punched_to_too_often_says_so() -> None:
    world = World(FULL_CONE)
    client = behind(world, 1)
    line = world.rendezvous.punch(public(world).label, client.label)
    hole = _hole(line)
    # One is under way already.
    for number in range(MAX_PUNCHING):
        client.traversal.punch(hole._replace(label=f"USER {number + 10}"))

    (refused,) = (one for one in client.news if isinstance(one, Punched))
    assert refused.label == f"USER {MAX_PUNCHING + 9}"


def test_two_that_ask_for_each_other_at_the_same_time_get_through() -> None:
    world = World(PORT_RESTRICTED, PORT_RESTRICTED)
    first, second = behind(world, 1), behind(world, 2)
    lines = [
        world.rendezvous.punch(first.label, second.label),
        world.rendezvous.punch(second.label, first.label),
    ]
    for client, line in zip((first, second), lines, strict=True):
        client.hear_server(line)
    world.pass_time(1.0)

    assert first.outcome(second).why is None
    assert second.outcome(first).why is None
    assert first.suspicious == second.suspicious == 0


def _hole(line: bytes) -> Hole:
    hole = parse_reply(line.decode().removesuffix("\n"))
    assert isinstance(hole, Hole)
    return hole


def test_no_peer_pushes_out_the_keys_of_another_one() -> None:
    world = World(FULL_CONE)
    hidden, first, second = behind(world, 1), public(world), public(world)
    hole = _hole(world.rendezvous.punch(first.label, hidden.label))
    other = _hole(world.rendezvous.punch(second.label, hidden.label))
    for number in range(MAX_KEYS):
        hidden.traversal.punch(
            other._replace(label=second.label, asked=False, username=f"{number:016x}")
        )
    before = world.sent
    for checked, source in ((hole, "192.0.2.66"), (other, "192.0.2.67")):
        check = format_stun(
            Kind.REQUEST, bytes(12), [claim(checked.sent_as)], key=checked.password.encode()
        )
        hidden.take(check, (source, 6666))

    assert world.sent == before + 1
    assert hidden.book.label_of(("192.0.2.66", 6666)) == first.label


def test_a_check_with_the_wrong_key_is_suspicious_and_gets_no_answer() -> None:
    world = World(FULL_CONE)
    hidden, open_ = behind(world, 1), public(world)
    hole = _hole(world.rendezvous.punch(open_.label, hidden.label))
    world.pass_time(5.0)
    before = world.sent
    forged = format_stun(Kind.REQUEST, bytes(12), [claim(hole.sent_as)], key=b"guess")
    hidden.take(forged, ("192.0.2.66", 6666))

    assert hidden.suspicious == 1
    assert world.sent == before


def test_a_check_that_is_sent_again_from_elsewhere_proves_nothing() -> None:
    world = World(FULL_CONE)
    hidden, open_ = behind(world, 1), public(world)
    hole = _hole(world.rendezvous.punch(open_.label, hidden.label))
    world.pass_time(5.0)
    key = hole.password.encode()
    check = format_stun(Kind.REQUEST, bytes(12), [claim(hole.sent_as)], key=key)
    hidden.take(check, ("192.0.2.66", 6666))
    before = world.sent
    hidden.take(check, ("192.0.2.67", 6666))
    assert world.sent == before
    hidden.book.close()

    assert hidden.book.label_of(("192.0.2.66", 6666)) == open_.label
    assert hidden.book.label_of(("192.0.2.67", 6666)) is None
    hidden.take(check, ("192.0.2.66", 6666))
    assert world.sent == before + 1


def test_ones_own_check_that_comes_back_proves_nothing() -> None:
    world = World(FULL_CONE)
    hidden, open_ = behind(world, 1), public(world)
    hole = _hole(world.rendezvous.punch(open_.label, hidden.label))
    world.pass_time(5.0)
    before = world.sent
    key = hole.password.encode()
    hidden.take(
        format_stun(Kind.REQUEST, bytes(12), [claim(hole.received_as)], key=key),
        ("192.0.2.66", 6666),
    )

    assert hidden.suspicious == 0
    assert world.sent == before


def test_stun_of_a_stranger_gets_no_answer() -> None:
    world = World(FULL_CONE)
    hidden = behind(world, 1)
    before = world.sent
    for attributes in ([], [claim("somebody")]):
        hidden.take(format_stun(Kind.REQUEST, bytes(12), attributes), ("192.0.2.66", 6666))

    assert hidden.suspicious == 0
    assert world.sent == before
