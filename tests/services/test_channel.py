"""A channel between two ends of a socket pair, in clear and in TLS."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from services.channel import HELLO, Channel, NoTlsError, TlsError
from services.tls import Tls, client_context, server_context
from tests.services.certificates import LAB
from tests.services.running import DEADLINE

SERVER = server_context(str(LAB.shown), str(LAB.key))
CLIENT = client_context(str(LAB.shown))


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def connected(pair: tuple[socket.socket, socket.socket], *, tls: bool) -> tuple[Channel, Channel]:
    """A client's channel and a server's, with the handshake done if there is one."""
    client = Channel(pair[0], Tls(CLIENT, "server") if tls else None)
    server = Channel(pair[1], Tls(SERVER) if tls else None)
    if tls:
        serving = threading.Thread(target=server.establish, args=(DEADLINE,))
        serving.start()
        client.send(b"", DEADLINE)
        client.establish(DEADLINE)
        serving.join()
    return client, server


@pytest.mark.parametrize("tls", [False, True])
def test_what_one_end_sends_the_other_receives(
    pair: tuple[socket.socket, socket.socket], *, tls: bool
) -> None:
    client, server = connected(pair, tls=tls)
    client.send(b"LIST\n", DEADLINE)
    assert server.receive(DEADLINE) == b"LIST\n"
    server.send(b"CLIENTS\n", DEADLINE)

    assert client.receive(None) == b"CLIENTS\n"


@pytest.mark.parametrize("tls", [False, True])
def test_nothing_comes_in_time_is_told_from_the_end(
    pair: tuple[socket.socket, socket.socket], *, tls: bool
) -> None:
    client, server = connected(pair, tls=tls)

    assert server.receive(0) is None
    assert server.receive(0.01) is None
    client.send(b"LAST", DEADLINE)
    client.finish()
    pair[0].close()
    assert server.receive(0) == b"LAST"
    assert server.receive(DEADLINE) == b""
    assert server.receive(0) == b""


def test_a_part_of_a_record_is_nothing_yet(pair: tuple[socket.socket, socket.socket]) -> None:
    _, server = connected(pair, tls=True)
    pair[0].send(b"\x17\x03\x03\x00\x40" + bytes(20))

    assert server.receive(0) is None
    assert server.receive(0.01) is None


@pytest.mark.parametrize("tls", [False, True])
def test_who_does_not_read_is_given_up_in_time(
    pair: tuple[socket.socket, socket.socket], *, tls: bool
) -> None:
    _, server = connected(pair, tls=tls)

    with pytest.raises(TimeoutError):
        server.send(bytes(16 * 1024 * 1024), 0.05)


def test_a_handshake_that_is_not_answered_has_an_end(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    client = Channel(pair[0], Tls(CLIENT, "server"))
    client.send(b"the password", DEADLINE)

    with pytest.raises(TimeoutError, match="handshake"):
        client.establish(0.05)
    assert b"password" not in pair[1].recv(65536)


def test_a_handshake_that_is_broken_off_is_told(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    client = Channel(pair[0], Tls(CLIENT, "server"))
    pair[1].close()

    with pytest.raises(ConnectionResetError, match="closed the connection in the handshake"):
        client.establish(DEADLINE)


def test_what_comes_with_the_last_of_the_handshake_is_received_then(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    client, server = Tls(CLIENT, "server"), Channel(pair[1], Tls(SERVER))
    client.say(b"LOGIN")
    pair[0].sendall(client.to_send())
    with contextlib.suppress(TimeoutError):
        server.establish(0)
    client.feed(pair[0].recv(65536))
    pair[0].sendall(client.to_send())
    server.establish(DEADLINE)

    assert server.receive(0) == b"LOGIN"


def test_one_end_in_clear_is_told_apart(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].send(b"LOGIN")
    with pytest.raises(NoTlsError) as caught:
        Channel(pair[1], Tls(SERVER)).receive(DEADLINE)
    assert caught.value.said == b"LOGIN"

    pair[1].send(HELLO + b"\x01")
    with pytest.raises(TlsError, match="speaks TLS, which is not spoken here"):
        Channel(pair[0]).receive(DEADLINE)


def test_several_threads_may_encode_while_one_receives(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    client, server = connected(pair, tls=True)
    on_the_wire: list[bytes] = []
    order = threading.Lock()

    def speak() -> None:
        for _ in range(200):
            with order:
                on_the_wire.append(client.encode(b"PONG\n"))

    speaking = [threading.Thread(target=speak) for _ in range(3)]
    for thread in speaking:
        thread.start()
    for _ in range(200):
        server.send(b"PING\n", DEADLINE)
        assert client.receive(DEADLINE) == b"PING\n"
    for thread in speaking:
        thread.join()
    heard = b""
    for record in on_the_wire:
        pair[0].sendall(record)
        heard += server.receive(DEADLINE) or b""

    assert heard == b"PONG\n" * 600


def test_what_looks_like_tls_later_on_is_data(pair: tuple[socket.socket, socket.socket]) -> None:
    channel = Channel(pair[0])
    pair[1].send(b"LOGIN")
    channel.receive(DEADLINE)
    pair[1].send(HELLO)

    assert channel.receive(DEADLINE) == HELLO
