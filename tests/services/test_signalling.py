import select
import socket
from collections.abc import Callable, Iterator

import pytest

from services.client import signalling
from services.client.signalling import ConnectionLostError, ServerGoneError, Signalling
from services.protocol import Ping, Pong, format_reply, format_request
from services.tls import Tls, client_context, server_context
from tests.services.certificates import LAB
from tests.services.running import DEADLINE


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Signalling, socket.socket]]:
    """A client's end that waits for hardly any time, and the server's end."""
    monkeypatch.setattr(signalling, "SEND_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Signalling.connect(*listener.getsockname())
        server, _ = listener.accept()
        with server:
            yield client, server
            client.close(farewell=False)


def send_without_end(client: Signalling) -> None:
    while True:
        client.send(format_request(Pong()) * 10_000)


def test_a_server_that_does_not_read_holds_up_a_client_only_once(
    ends: tuple[Signalling, socket.socket],
) -> None:
    client, server = ends
    server.sendall(format_reply(Ping()))
    with pytest.raises(ConnectionLostError, match="timed out"):
        send_without_end(client)

    # What has come is still read; then this connection is over.
    assert len(client.receive()) == 1
    with pytest.raises(ConnectionLostError, match="broken pipe"):
        client.send(format_request(Pong()))
    with pytest.raises(ConnectionLostError, match="it has closed the connection"):
        client.receive()


@pytest.fixture
def tls_ends() -> Iterator[tuple[Signalling, Callable[[], None], socket.socket]]:
    """A client's end in TLS, what takes the server's next step of the handshake, its socket."""
    client_side, server_side = (
        client_context(str(LAB.shown)),
        server_context(str(LAB.shown), str(LAB.key)),
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = socket.create_connection(listener.getsockname())
        client = Signalling(connection, lambda: Tls(client_side, "127.0.0.1"))
        server, _ = listener.accept()
        tls = Tls(server_side)

        def step() -> None:
            tls.feed(server.recv(65536))
            server.sendall(tls.to_send())

        with server:
            server.settimeout(DEADLINE)
            yield client, step, server
            client.close(farewell=False)


def receive(client: Signalling) -> None:
    select.select([client], [], [], DEADLINE)
    client.receive()


def test_a_spoiled_record_costs_an_established_connection_and_not_the_server(
    tls_ends: tuple[Signalling, Callable[[], None], socket.socket],
) -> None:
    client, step, server = tls_ends
    step()
    receive(client)
    step()
    server.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))

    with pytest.raises(ConnectionLostError, match="it breaks the rules of TLS"):
        receive(client)


def test_who_does_not_prove_to_be_the_server_is_none(
    tls_ends: tuple[Signalling, Callable[[], None], socket.socket],
) -> None:
    client, _, server = tls_ends
    server.sendall(b"\x16\x03\x03\x00\x20\xff\x00\x00\x1c" + bytes(28))

    with pytest.raises(ServerGoneError, match="it breaks the rules of TLS"):
        receive(client)


def test_a_client_whose_server_does_not_read_still_leaves_when_told(
    ends: tuple[Signalling, socket.socket],
) -> None:
    client, server = ends
    server.settimeout(DEADLINE)
    with pytest.raises(ConnectionLostError):
        send_without_end(client)
    client.close(farewell=True)

    while server.recv(1 << 20):
        continue
