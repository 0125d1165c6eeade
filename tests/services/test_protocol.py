import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.lines import MAX_LINE
from services.nat import Behaviour, Nat
from services.parameters import MAX_ADDRESSES, Parameters
from services.protocol import (
    MAX_PASSWORD,
    MAX_USERNAME,
    Accepted,
    AskKey,
    AskParameters,
    Behind,
    Bye,
    Clients,
    ListClients,
    Login,
    Noted,
    Offer,
    PeerKey,
    PeerParameters,
    Ping,
    Pong,
    Punch,
    Quit,
    Refused,
    Reply,
    Request,
    format_reply,
    format_request,
    parse_reply,
    parse_request,
    split_clients,
)
from services.punch import HOLE_MEMBERS, Hole, Stun
from services.values import Address, ErrorName, ProtocolError

usernames = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=MAX_USERNAME)
passwords = st.text(st.characters(exclude_categories=["Cs"]), max_size=MAX_PASSWORD)
labels = st.integers(1, 9_999_999_999).map(lambda number: f"USER {number}")
addresses = st.tuples(st.ip_addresses(v=4).map(str), st.integers(1, 65535))


def parameters(most_addresses: int) -> st.SearchStrategy[Parameters]:
    return st.builds(
        Parameters,
        st.lists(addresses, max_size=most_addresses).map(tuple),
        st.lists(
            st.from_regex("[A-Za-z0-9.-]{1,16}/[1-9][0-9]{0,5}", fullmatch=True), max_size=8
        ).map(tuple),
        st.dictionaries(
            st.from_regex("[a-z][a-z0-9-]{0,15}", fullmatch=True),
            st.integers(0, 2**31 - 1),
            max_size=8,
        ),
    )


ports = st.integers(1, 65535)
secrets = st.from_regex("[0-9a-f]{8,64}", fullmatch=True)
nats = st.builds(Nat, st.sampled_from(Behaviour), st.sampled_from(Behaviour))
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def login(**changes: object) -> str:
    members = {"version": 1, "username": "Mzi", "password": "CSC3@A1"} | changes
    return "LOGIN " + json.dumps(members)


def offer(**changes: object) -> str:
    return "OFFER " + json.dumps({"addresses": [], "media": [], "limits": {}} | changes)


def ok(**more: object) -> str:
    return "OK " + json.dumps({"label": "USER 1", "ip": "10.0.0.2", "port": 1} | more)


def hole(**changes: object) -> str:
    members = {
        "label": "USER 2",
        "asked": True,
        "username": "0" * 16,
        "password": "0" * 32,
        "addresses": [["10.0.0.2", 1]],
        "nat": None,
    }
    return "PUNCH " + json.dumps(members | changes)


@given(
    st.one_of(
        st.builds(Login, usernames, passwords, st.sampled_from([1, 2, 3])),
        st.sampled_from([ListClients(), Quit(), Pong()]),
        st.builds(Offer, parameters(MAX_ADDRESSES)),
        st.builds(AskParameters, labels),
        st.builds(AskKey, labels),
        st.builds(Punch, labels),
        st.builds(Behind, nats),
    )
)
def test_a_request_is_read_as_it_was_written(request: Request) -> None:
    line = format_request(request)

    assert len(line) <= MAX_LINE
    read = parse_request(line.decode().removesuffix("\n"))
    assert type(read) is type(request)
    assert format_request(read) == line


@given(
    st.one_of(
        st.builds(
            Accepted,
            labels,
            st.ip_addresses(v=4).map(str),
            ports,
            st.none() | st.builds(Stun, secrets, secrets, st.tuples(ports, ports)),
        ),
        st.builds(
            Clients,
            st.dictionaries(labels, addresses, max_size=50),
            st.just(value=False),
            st.just(()),
        ),
        st.builds(
            lambda clients: Clients(clients, more=True, behind=tuple(clients)[::2]),
            st.dictionaries(labels, addresses, min_size=1, max_size=50),
        ),
        st.builds(
            Hole,
            labels,
            st.booleans(),
            secrets,
            secrets,
            st.lists(addresses, min_size=1, max_size=MAX_ADDRESSES + 1).map(tuple),
            st.none() | nats,
        ),
        st.sampled_from([Bye(), Ping(), Noted()]),
        st.builds(PeerParameters, labels, parameters(MAX_ADDRESSES + 1)),
        st.builds(PeerKey, labels, st.binary(min_size=32, max_size=32)),
        st.builds(Refused, st.sampled_from(ErrorName), st.just("log in first")),
    )
)
def test_a_reply_is_read_as_it_was_written(reply: Reply) -> None:
    line = format_reply(reply)

    read = parse_reply(line.decode().removesuffix("\n"))
    assert type(read) is type(reply)
    assert format_reply(read) == line


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("", "unknown-command"),
        ("list", "unknown-command"),
        ("LISTEN", "unknown-command"),
        (" LIST", "unknown-command"),
        ("LIST all", "bad-argument"),
        ("QUIT now", "bad-argument"),
        ("LOGIN", "bad-argument"),
        ("LOGIN Mzi CSC3@A1", "bad-argument"),
        ("LOGIN []", "bad-argument"),
        ("LOGIN {}", "bad-argument"),
        ("LOGIN null", "bad-argument"),
        ("LOGIN " + "[" * 4000, "bad-argument"),
        ("LOGIN " + '{"a":' * 700 + "1" + "}" * 700, "bad-argument"),
        ("LOGIN " + "9" * 4000, "bad-argument"),
        (login(extra=1), "bad-argument"),
        (login(version=True), "bad-argument"),
        (login(version="1"), "bad-argument"),
        (login(version=1.0), "bad-argument"),
        (login(version=float("nan")), "bad-argument"),
        (login(version=0), "unsupported-version"),
        (login(version=4), "unsupported-version"),
        ("PONG ok", "bad-argument"),
        ("OFFER", "bad-argument"),
        ('OFFER {"addresses":[],"media":[]}', "bad-argument"),
        (offer(addresses=[["10.0.0.2", 1]] * 5), "bad-argument"),
        (offer(addresses=[["10.0.0.2"]]), "bad-argument"),
        (offer(addresses=["10.0.0.2:1"]), "bad-argument"),
        (offer(addresses={}), "bad-argument"),
        (offer(media=["PCMU/8000"] * 9), "bad-argument"),
        (offer(media=["PCMU"]), "bad-argument"),
        (offer(media=["\u001b[2J/1"]), "bad-argument"),
        (offer(media=[8000]), "bad-argument"),
        (offer(limits=[]), "bad-argument"),
        (offer(limits={f"n{number}": 1 for number in range(9)}), "bad-argument"),
        (offer(limits={"Datagram": 1}), "bad-argument"),
        (offer(limits={"datagram": -1}), "bad-argument"),
        (offer(limits={"datagram": 1.5}), "bad-argument"),
        (offer(limits={"datagram": 2**31}), "bad-argument"),
        ("PARAMETERS USER 2", "bad-argument"),
        ("PUNCH", "bad-argument"),
        ('PUNCH {"label":"bob"}', "bad-argument"),
        ('BEHIND {"mapping":"endpoint-independent"}', "bad-argument"),
        ('BEHIND {"mapping":"endpoint-independent","filtering":"none"}', "bad-argument"),
        ('BEHIND {"mapping":1,"filtering":"endpoint-independent"}', "bad-argument"),
        ('PARAMETERS {"label":"bob"}', "bad-argument"),
        ("KEY USER 2", "bad-argument"),
        ('KEY {"label":"bob"}', "bad-argument"),
        (login(version=int("9" * 3000)), "unsupported-version"),
        (login(username=7), "bad-argument"),
        (login(username="\ud800"), "bad-argument"),
        (login(username=""), "bad-username"),
        (login(username="  "), "bad-username"),
        (login(username="x" * 33), "bad-username"),
        (login(username="a\u001bb"), "bad-username"),
        (login(username="a\u2028b"), "bad-username"),
        (login(password=None), "bad-argument"),
        (login(password="x" * 257), "bad-argument"),
        (login()[:-1] + ',"version":1}', "bad-argument"),
    ],
)
def test_a_wrong_request_is_a_named_error(line: str, name: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_request(line)

    assert caught.value.name == name


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("HELLO", "unknown-command"),
        ("BYE bye", "bad-argument"),
        ("ERROR", "bad-argument"),
        ("ERROR Bad text", "bad-argument"),
        ('OK {"label":"USER 1","ip":"10.0.0.2"}', "bad-argument"),
        ('OK {"label":"USER 0","ip":"10.0.0.2","port":1}', "bad-argument"),
        ('OK {"label":"USER 1\\n","ip":"10.0.0.2","port":1}', "bad-argument"),
        ('OK {"label":"USER 1","ip":"10.0.0.256","port":1}', "bad-argument"),
        ('OK {"label":"USER 1","ip":"::1","port":1}', "bad-argument"),
        ('OK {"label":"USER 1","ip":3232235521,"port":1}', "bad-argument"),
        ('OK {"label":"USER 1","ip":"10.0.0.2","port":0}', "bad-argument"),
        ('OK {"label":"USER 1","ip":"10.0.0.2","port":65536}', "bad-argument"),
        ('OK {"label":"USER 1","ip":"10.0.0.2","port":Infinity}', "bad-argument"),
        ('CLIENTS {"clients":[],"more":false}', "bad-argument"),
        ('CLIENTS {"clients":{},"more":0}', "bad-argument"),
        ('CLIENTS {"clients":{},"more":true}', "bad-argument"),
        ('CLIENTS {"clients":{"USER 1":["10.0.0.2"]},"more":false}', "bad-argument"),
        ('CLIENTS {"clients":{"USER 1":{"ip":"10.0.0.2"}},"more":false}', "bad-argument"),
        ('CLIENTS {"clients":{"bob":["10.0.0.2",1]},"more":false}', "bad-argument"),
        ('CLIENTS {"clients":{},"more":false,"behind":["USER 1"]}', "bad-argument"),
        ('CLIENTS {"clients":{},"more":false,"behind":{}}', "bad-argument"),
        ('CLIENTS {"clients":{},"more":false,"hidden":[]}', "bad-argument"),
        (ok(stun=None), "bad-argument"),
        (ok(stun={"username": "0" * 16, "password": "0" * 32, "ports": [1]}), "bad-argument"),
        (ok(stun={"username": "0" * 16, "password": "0" * 32, "ports": [1, 0]}), "bad-argument"),
        (ok(stun={"username": "a\n" * 8, "password": "0" * 32, "ports": [1, 2]}), "bad-argument"),
        (hole(asked=1), "bad-argument"),
        (hole(addresses=[]), "bad-argument"),
        (hole(addresses=[["10.0.0.2", 1]] * 6), "bad-argument"),
        (hole(password="secret"), "bad-argument"),
        (hole(nat=[]), "bad-argument"),
        ("CLIENTS {'USER 1': ('10.0.0.2', 60155)}", "bad-argument"),
        ('KEY {"label":"USER 2"}', "bad-argument"),
        (f'KEY {{"label":"USER 2","key":"{"0" * 63}"}}', "bad-argument"),
        (f'KEY {{"label":"USER 2","key":"{"0g" * 32}"}}', "bad-argument"),
        (f'KEY {{"label":"USER 2","key":"{"0A" * 32}"}}', "bad-argument"),
        ('KEY {"label":"USER 2","key":0}', "bad-argument"),
    ],
)
def test_a_wrong_reply_is_a_named_error(line: str, name: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_reply(line)

    assert caught.value.name == name


@given(
    st.one_of(
        st.text(max_size=200),
        st.builds(
            lambda command, value: f"{command} {json.dumps(value)}",
            st.sampled_from(
                [
                    "LOGIN",
                    "LIST",
                    "OFFER",
                    "PARAMETERS",
                    "KEY",
                    "OK",
                    "CLIENTS",
                    "ERROR",
                    "PUNCH",
                    "BEHIND",
                ]
            ),
            st.one_of(
                json_like,
                st.fixed_dictionaries(
                    {"version": json_like, "username": json_like, "password": json_like}
                ),
                st.fixed_dictionaries({"label": json_like, "ip": json_like, "port": json_like}),
                st.fixed_dictionaries(
                    {"addresses": json_like, "media": json_like, "limits": json_like}
                ),
                st.fixed_dictionaries({"clients": json_like, "more": json_like}),
                st.fixed_dictionaries({"mapping": json_like, "filtering": json_like}),
                st.fixed_dictionaries(dict.fromkeys(HOLE_MEMBERS, json_like)),
            ),
        ),
    )
)
def test_whatever_a_line_holds_nothing_but_a_protocol_error_is_raised(line: str) -> None:
    for parse in (parse_request, parse_reply):
        with contextlib.suppress(ProtocolError):
            parse(line)


def test_a_long_list_is_split_into_lines_within_the_bound_and_in_order() -> None:
    everybody: dict[str, Address] = {
        f"USER {number}": (f"10.201.{number // 250}.{number % 250}", 40000 + number)
        for number in range(1, 1001)
    }

    parts = split_clients(everybody)

    assert all(len(format_reply(part)) <= MAX_LINE for part in parts)
    assert [part.more for part in parts] == [True] * (len(parts) - 1) + [False]
    together = [item for part in parts for item in part.clients.items()]
    assert together == list(everybody.items())
    assert len(parts) < 12


def test_a_long_list_of_clients_behind_nats_keeps_its_lines_within_the_bound() -> None:
    everybody: dict[str, Address] = {
        f"USER {number}": (f"10.201.{number // 250}.{number % 250}", 40000 + number)
        for number in range(1, 1001)
    }
    behind = dict.fromkeys(list(everybody)[::2])

    parts = split_clients(everybody, behind)

    assert all(len(format_reply(part)) <= MAX_LINE for part in parts)
    assert [label for part in parts for label in part.behind] == list(behind)
    assert all(set(part.behind) <= set(part.clients) for part in parts)


def test_an_empty_list_is_one_line() -> None:
    assert split_clients({}) == [Clients({}, more=False)]


def test_the_password_is_in_no_representation_of_a_login() -> None:
    assert "CSC3@A1" not in repr(Login("Mzi", "CSC3@A1"))


@pytest.mark.parametrize(
    ("request_", "name"),
    [
        (Login("", "x"), "bad-username"),
        (Login("x", "y" * 257), "bad-argument"),
        (Login("x", "\udcff"), "bad-argument"),
    ],
)
def test_a_login_outside_the_bounds_is_not_written(request_: Login, name: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        format_request(request_)

    assert caught.value.name == name


def test_a_list_that_was_not_split_is_not_written() -> None:
    clients: dict[str, Address] = {f"USER {n}": ("10.201.100.100", 60000) for n in range(1, 200)}

    with pytest.raises(ProtocolError, match="line-too-long"):
        format_reply(Clients(clients))
