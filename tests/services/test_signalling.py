import socket
from collections.abc import Iterator

import pytest

from services.client import signalling
from services.client.signalling import ConnectionLostError, Signalling
from services.protocol import Ping, Pong, format_reply, format_request
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
