"""The STUN server and the probe in scenarios/programs/nat-probe."""

import importlib
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path

import pytest

from tests.programs.nat import BEHAVIOURS, HALVES, PORTS, Address, Internet

PROGRAMS = Path(__file__).parents[2] / "scenarios" / "programs" / "nat-probe"

sys.path.insert(0, str(PROGRAMS))
stun, server, probe = map(importlib.import_module, ("stun", "server", "probe"))
sys.path.remove(str(PROGRAMS))

KINDS = list(product(BEHAVIOURS, BEHAVIOURS))
SERVER = (HALVES[0], PORTS[0])

# RFC 5769, section 2.2, with SOFTWARE, MESSAGE-INTEGRITY and FINGERPRINT beside the address.
RESPONSE = bytes.fromhex(
    "0101003c 2112a442 b7e7a701bc34d686fa87dfae"
    "8022000b 7465737420766563746f7220"
    "00200008 0001a147e112a643"
    "00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004 c07d4c96"
)


def answer(
    data: bytes, client: Address, here: Address, opposite: Address
) -> tuple[Address, Address, bytes]:
    origin, target, response = server.answer(stun.decode(data), client, here, opposite)
    return origin, target, response


def test_a_response_of_the_rfc_is_understood() -> None:
    message = stun.decode(RESPONSE)
    assert message.kind == stun.BINDING_RESPONSE
    assert message.transaction == bytes.fromhex("b7e7a701bc34d686fa87dfae")
    assert message.attributes[0x8022] == b"test vector"
    assert message.mapped == ("192.0.2.1", 32853)


def test_a_masked_address_is_that_of_the_rfc() -> None:
    packed = stun.pack_address(("192.0.2.1", 32853))
    assert stun.mask(packed) == bytes.fromhex("0001a147e112a643")
    assert stun.mask(stun.mask(packed)) == packed


def test_a_request_is_encoded_to_the_byte() -> None:
    attributes = {
        stun.CHANGE_REQUEST: stun.pack_change(stun.CHANGE_IP | stun.CHANGE_PORT),
        0x8022: b"x",
    }
    message = stun.Message(stun.BINDING_REQUEST, bytes(range(12)), attributes)
    data = message.encode()
    assert data.hex(" ", 4) == (
        "00010010 2112a442 00010203 04050607 08090a0b 00030004 00000006 80220001 78000000"
    )
    assert stun.decode(data) == message
    assert message.change == 6


def test_an_address_without_a_mask_will_do() -> None:
    attributes = {stun.MAPPED_ADDRESS: stun.pack_address(("192.0.2.1", 5))}
    assert stun.Message(stun.BINDING_RESPONSE, bytes(12), attributes).mapped == ("192.0.2.1", 5)


def test_of_an_attribute_that_comes_twice_the_first_counts() -> None:
    twice = (
        bytes.fromhex("00010010 2112a442")
        + bytes(12)
        + bytes.fromhex("80220001 61000000 80220001 62000000")
    )
    assert stun.decode(twice).attributes == {0x8022: b"a"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Hello, whoever you are",
        RESPONSE[:-1],
        RESPONSE + bytes(4),
        RESPONSE.replace(bytes.fromhex("2112a442"), bytes(4)),
        RESPONSE[:-8] + bytes.fromhex("80280005 c07d4c96"),
        bytes.fromhex("00010003 2112a442") + bytes(15),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(stun.NotStunError):
        stun.decode(data)


@pytest.mark.parametrize("value", ["", "0001a147e112a6", "0002a147e112a643"])
def test_what_is_no_address_is_refused(value: str) -> None:
    message = stun.Message(0, bytes(12), {stun.OTHER_ADDRESS: bytes.fromhex(value)})
    with pytest.raises(stun.NotStunError):
        message.address(stun.OTHER_ADDRESS)


@pytest.mark.parametrize(
    ("change", "origin"),
    [
        (0, (HALVES[0], PORTS[0])),
        (stun.CHANGE_PORT, (HALVES[0], PORTS[1])),
        (stun.CHANGE_IP, (HALVES[1], PORTS[0])),
        (stun.CHANGE_IP | stun.CHANGE_PORT, (HALVES[1], PORTS[1])),
    ],
)
def test_the_server_answers_from_where_it_is_asked_to(change: int, origin: tuple[str, int]) -> None:
    request = stun.Message(0, bytes(12), {stun.CHANGE_REQUEST: stun.pack_change(change)})
    client, opposite = ("203.0.113.1", 40000), (HALVES[1], PORTS[1])
    found = server.answer(request, client, SERVER, opposite)
    assert (found.origin, found.target) == (origin, client)
    response = stun.decode(found.data)
    assert response.mapped == response.address(stun.MAPPED_ADDRESS) == client
    assert response.address(stun.RESPONSE_ORIGIN) == origin
    assert response.address(stun.OTHER_ADDRESS) == opposite


@pytest.mark.parametrize(("mapping", "filtering"), KINDS)
@pytest.mark.parametrize("copies", [1, 2])
def test_every_kind_of_nat_is_told(mapping: str, filtering: str, copies: int) -> None:
    internet = Internet(answer, mapping, filtering, copies=copies)
    tested = probe.Probe(SERVER, internet.open)
    assert tested.mapping() == mapping
    assert tested.filtering() == filtering
    assert internet.now <= 3


def test_lost_datagrams_are_not_blamed_on_the_nat() -> None:
    internet = Internet(answer, BEHAVIOURS[0], BEHAVIOURS[0], passes=lambda number: number % 3 == 0)
    tested = probe.Probe(SERVER, internet.open)
    assert tested.mapping() == "endpoint-independent"
    assert tested.filtering() == "endpoint-independent"


@pytest.mark.parametrize(("mapping", "filtering"), KINDS)
def test_the_end_of_a_mapping_is_seen(mapping: str, filtering: str) -> None:
    tested = probe.Probe(SERVER, Internet(answer, mapping, filtering, timeout=30).open)
    assert tested.outlives(29)
    assert not tested.outlives(31)


def test_a_server_that_does_not_answer_is_told() -> None:
    internet = Internet(answer, BEHAVIOURS[0], BEHAVIOURS[0], passes=lambda _: False)
    tested = probe.Probe(SERVER, internet.open)
    with pytest.raises(probe.UnansweredError, match=r"no answer from 198\.51\.100\.1:3478"):
        tested.mapping()


@contextmanager
def serving(host: str, other: str, port: int) -> Iterator[None]:
    environment = {**os.environ, "STUN_HOST": host, "STUN_OTHER": other, "STUN_PORT": str(port)}
    command = [sys.executable, "server.py"]
    with subprocess.Popen(
        command, cwd=PROGRAMS, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            ready = process.stdout.readline()
            assert ready == f"STUN server listening on {host}:{port} and {host}:{port + 1}\n"
            yield
        finally:
            process.terminate()
            process.stdout.read()
            assert process.wait(timeout=10) == 0


def free_ports(hosts: tuple[str, ...], number: int) -> int:
    """Return the first of so many ports in a row that are free on each host."""
    while True:
        first = random.randrange(20000, 30000)
        with ExitStack() as sockets:
            try:
                for host, port in product(hosts, range(first, first + number)):
                    udp = sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    udp.bind((host, port))
            except OSError:
                continue
        return first


def test_without_a_nat_the_programs_say_so() -> None:
    halves = ("127.0.0.1", "127.0.0.2")
    port = free_ports(halves, 3)
    environment = {**os.environ, "STUN_SERVER": halves[0], "STUN_PORT": str(port)}
    with serving(halves[0], halves[1], port), serving(halves[1], halves[0], port):
        done = subprocess.run(
            [sys.executable, "probe.py"],
            cwd=PROGRAMS,
            env=environment,
            input="address\nmap\nfilter\nlifetime 0.1\nwhat\nquit\nmap\n",
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    commands, address, *others = done.stdout.splitlines()
    assert commands == "Commands: map, filter, address, lifetime SECONDS, quit"
    assert address.startswith("mapped address: 127.0.0.1:")
    assert others == [
        "mapping: none (no NAT)",
        "filtering: endpoint-independent",
        "mapping alive after 0.1 s",
        commands,
    ]
    assert (done.returncode, done.stderr) == (0, "")
