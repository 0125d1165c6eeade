"""STUN and PUNCH as the server's process answers them, on loopback."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.server.registry import Registry
from services.server.rendezvous import Rendezvous
from services.server.stun import StunService
from services.stun import Kind, change_port, claim, format_stun, mapped, parse_stun
from tests.services.running import DEADLINE, Program, ServerProgram
from tests.services.test_server_program import LOGIN, Line

LOGIN_3 = LOGIN.replace(b'"version":1', b'"version":3')
PATIENT = ("--ping-after", "3600")
"""So that a test that takes its time is not asked whether it is there."""
NUMBER = bytes(range(12))


@pytest.fixture
def server() -> Iterator[ServerProgram]:
    with ServerProgram(*PATIENT) as program:
        yield program


@pytest.fixture
def udp() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.settimeout(DEADLINE)
        yield bound


@pytest.fixture
def dial(server: ServerProgram) -> Iterator[Callable[[], Line]]:
    lines: list[Line] = []

    def connect() -> Line:
        lines.append(Line(server.port))
        return lines[-1]

    yield connect
    for line in lines:
        line.close()


def log_in(line: Line) -> dict[str, Any]:
    answer = line.ask(LOGIN_3)
    accepted: dict[str, Any] = json.loads(answer.removeprefix("OK "))
    return accepted


def listed(line: Line) -> dict[str, Any]:
    clients: dict[str, Any] = json.loads(line.ask(b"LIST\n").removeprefix("CLIENTS "))
    return clients


def register(udp: socket.socket, stun: dict[str, Any], server: ServerProgram) -> None:
    key = stun["password"].encode()
    request = format_stun(Kind.REQUEST, NUMBER, [claim(stun["username"])], key=key)
    udp.sendto(request, ("127.0.0.1", server.port))
    answer = parse_stun(udp.recv(1000))
    assert answer.is_signed_by(key)
    assert answer.mapped == udp.getsockname()


def test_each_port_tells_anybody_where_they_are_seen(
    server: ServerProgram, dial: Callable[[], Line], udp: socket.socket
) -> None:
    ports = log_in(dial())["stun"]["ports"]

    assert ports[0] == server.port
    for port in ports:
        udp.sendto(format_stun(Kind.REQUEST, NUMBER), ("127.0.0.1", port))
        data, source = udp.recvfrom(1000)
        assert source == ("127.0.0.1", port)
        assert data == format_stun(Kind.RESPONSE, NUMBER, [mapped(udp.getsockname())])


def test_ports_that_a_server_chooses_are_not_those_of_connections_beside_it() -> None:
    nobody = Rendezvous(Registry(), bytes, lambda: 0.0)
    chosen = []
    for _ in range(16):
        service = StunService(("127.0.0.1", 0), nobody, print)
        chosen.append(service.ports[1])
        service.close()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        beside = [socket.create_connection(listener.getsockname()) for _ in range(4)]
        taken = {connection.getsockname()[1] % 2 for connection in beside}
        for connection in beside:
            connection.close()
    assert taken.isdisjoint(port % 2 for port in chosen)


def test_an_answer_from_another_port_comes_from_neither_of_the_two(
    server: ServerProgram, dial: Callable[[], Line], udp: socket.socket
) -> None:
    ports = log_in(dial())["stun"]["ports"]
    udp.sendto(format_stun(Kind.REQUEST, NUMBER, [change_port()]), ("127.0.0.1", server.port))
    data, source = udp.recvfrom(1000)

    assert parse_stun(data).mapped == udp.getsockname()
    assert source[0] == "127.0.0.1"
    assert source[1] not in ports


def test_a_registered_address_is_on_all_lists_and_marked_for_those_who_know_of_it(
    server: ServerProgram, dial: Callable[[], Line], udp: socket.socket
) -> None:
    line, old = dial(), dial()
    accepted = log_in(line)
    old.log_in()
    register(udp, accepted["stun"], server)

    assert listed(line)["clients"]["USER 1"] == list(udp.getsockname())
    assert listed(line)["behind"] == ["USER 1"]
    assert listed(old)["clients"]["USER 1"] == list(udp.getsockname())
    assert "behind" not in listed(old)
    parameters = line.ask(b'PARAMETERS {"label":"USER 1"}\n')
    assert json.loads(parameters.removeprefix("PARAMETERS "))["addresses"] == [
        list(udp.getsockname())
    ]


def test_both_are_told_to_punch_though_only_one_has_asked(
    server: ServerProgram, dial: Callable[[], Line], udp: socket.socket
) -> None:
    one, two = dial(), dial()
    stun = log_in(one)["stun"]
    log_in(two)
    # The answer says that the server is through with the login.
    listed(two)
    register(udp, stun, server)
    assert one.ask(
        b'BEHIND {"mapping":"endpoint-independent","filtering":"address-dependent"}\n'
    ) == ("NOTED\n")
    asked = json.loads(one.ask(b'PUNCH {"label":"USER 2"}\n').removeprefix("PUNCH "))
    told = json.loads(two.reply().removeprefix("PUNCH "))

    assert (asked["label"], asked["asked"], asked["nat"]) == ("USER 2", True, None)
    assert (told["label"], told["asked"]) == ("USER 1", False)
    assert told["nat"] == {"mapping": "endpoint-independent", "filtering": "address-dependent"}
    assert told["addresses"] == [list(udp.getsockname())]
    assert asked["password"] == told["password"]


def test_earlier_versions_are_answered_as_before(dial: Callable[[], Line]) -> None:
    one, two = dial(), dial()
    log_in(two)
    for version in (1, 2):
        old = dial()
        answer = old.ask(LOGIN.replace(b'"version":1', b'"version":%d' % version))
        assert re.fullmatch(r'OK \{"label":"USER \d","ip":"127\.0\.0\.1","port":\d+\}\n', answer)
        assert old.ask(b'PUNCH {"label":"USER 1"}\n').startswith("ERROR no-punching ")
    one.log_in()
    assert two.ask(b'PUNCH {"label":"USER 2"}\n').startswith("ERROR no-punching ")
    assert two.ask(b'PUNCH {"label":"USER 9"}\n').startswith("ERROR unknown-label ")


def test_what_is_no_request_gets_no_answer_and_is_told_to_the_operator(
    server: ServerProgram, udp: socket.socket
) -> None:
    for data in (b"HELLO", b"", b"\0" * 2000, format_stun(Kind.INDICATION, NUMBER)):
        udp.sendto(data, ("127.0.0.1", server.port))
    udp.sendto(format_stun(Kind.REQUEST, NUMBER), ("127.0.0.1", server.port))

    assert parse_stun(udp.recv(1000)).kind is Kind.RESPONSE
    assert server.complaint().startswith("server: datagrams ignored: 1 no STUN")


def test_a_server_whose_udp_port_is_taken_says_so_and_serves_without() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        with socket.create_server(("127.0.0.1", 0)) as free_for_tcp:
            port = free_for_tcp.getsockname()[1]
            udp.bind(("127.0.0.1", port))
        with Program("services.server", "--port", str(port), *PATIENT) as server:
            server.says(f"Server listening on 127.0.0.1:{port}\n")
            assert server.complaint() == (
                f"server: cannot answer STUN on UDP port {port}: Address already in use\n"
            )
            one = Line(port)
            assert "stun" not in log_in(one)
            one.close()
