"""TLS without sockets: what one end gives out is handed to the other."""

import contextlib
import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.channel import TlsError
from services.lines import MAX_LINE
from services.tls import MAX_HANDSHAKE, Tls, client_context, server_context
from tests.services.certificates import LAB, make

SERVER = server_context(str(LAB.shown), str(LAB.key))
CLIENT = client_context(str(LAB.shown))
BIG = bytes(range(256)) * 1000
"""More than many records hold."""


def ends() -> tuple[Tls, Tls]:
    return Tls(CLIENT, "server"), Tls(SERVER)


def established() -> tuple[Tls, Tls]:
    client, server = ends()
    while not (client.established and server.established):
        server.feed(client.to_send())
        client.feed(server.to_send())
    return client, server


@pytest.mark.parametrize("name", ["server", "localhost", "127.0.0.1"])
def test_the_labs_certificate_is_good_for_the_names_that_nodes_use(name: str) -> None:
    client, server = Tls(CLIENT, name), Tls(SERVER)
    client.say(b"LOGIN")
    said = None
    while said is None:
        said = server.feed(client.to_send())
        client.feed(server.to_send())

    assert said == b"LOGIN"


def test_nothing_that_is_said_early_leaves_before_the_server_is_known() -> None:
    client = Tls(CLIENT, "server")
    hello = client.to_send()
    client.say(b"the password")

    assert hello
    assert client.to_send() == b""


def test_what_is_said_cannot_be_read_on_the_way() -> None:
    client, server = established()
    client.say(b"the password")
    on_the_way = client.to_send()

    assert b"password" not in on_the_way
    assert server.feed(on_the_way) == b"the password"


def test_all_that_has_come_is_there_at_once_however_many_records_it_fills() -> None:
    client, server = established()
    client.say(BIG)

    assert server.feed(client.to_send()) == BIG


def test_a_long_line_in_as_many_records_as_it_has_bytes_is_whole() -> None:
    client, server = established()
    line = b"x" * (MAX_LINE - 1) + b"\n"
    for at in range(len(line)):
        client.say(line[at : at + 1])

    assert server.feed(client.to_send()) == line


@given(st.lists(st.integers(1, 900), min_size=1, max_size=40))
def test_how_the_network_cuts_it_means_nothing(cuts: list[int]) -> None:
    client, server = ends()
    client.say(b"LOGIN")
    waiting = {server: b"", client: b""}
    said = b""
    while not said:
        waiting[server] += client.to_send()
        waiting[client] += server.to_send()
        cut = cuts.pop() if cuts else 1000
        said += server.feed(waiting[server][:cut]) or b""
        client.feed(waiting[client][:cut])
        waiting = {end: data[cut:] for end, data in waiting.items()}

    assert said == b"LOGIN"


def test_a_farewell_is_the_end_and_comes_after_all_else() -> None:
    client, server = established()
    client.say(b"QUIT\n")
    client.finish()
    last = client.to_send()

    assert server.feed(last) == b"QUIT\n"
    assert server.feed(b"") == b""


def test_a_farewell_in_the_handshake_is_no_error() -> None:
    client, server = ends()
    client.finish()
    server.finish()

    assert server.feed(client.to_send()) is None


def test_a_certificate_that_is_not_to_be_trusted_is_told_to_both(tmp_path: Path) -> None:
    client, server = Tls(client_context(str(make(tmp_path, "server").shown)), "server"), Tls(SERVER)
    client.say(b"the password")
    server.feed(client.to_send())

    with pytest.raises(TlsError, match=r"certificate that is not to be trusted: self.signed"):
        client.feed(server.to_send())
    with pytest.raises(TlsError, match="gives TLS up: unknown ca"):
        server.feed(client.to_send())


def test_a_certificate_for_another_name_is_not_to_be_trusted() -> None:
    client, server = Tls(CLIENT, "elsewhere"), Tls(SERVER)
    server.feed(client.to_send())

    with pytest.raises(TlsError, match=r"Hostname mismatch.*'elsewhere'"):
        client.feed(server.to_send())


def test_a_certificate_whose_time_is_over_is_not_to_be_trusted(tmp_path: Path) -> None:
    old = make(tmp_path, "server", days=1)
    client = Tls(client_context(str(old.shown)), "server")
    server = Tls(server_context(str(old.shown), str(old.key)))
    server.feed(client.to_send())

    with pytest.raises(TlsError, match="not to be trusted: certificate has expired"):
        client.feed(server.to_send())


@pytest.mark.parametrize("at", [0, 1, 5, 20, -1])
def test_a_record_that_was_altered_breaks_the_rules(at: int) -> None:
    client, server = established()
    client.say(b"the password")
    altered = bytearray(client.to_send())
    altered[at] ^= 1

    with pytest.raises(TlsError, match="breaks the rules of TLS"):
        server.feed(bytes(altered))


@given(st.binary(max_size=300))
def test_garbage_in_the_handshake_is_no_crash(data: bytes) -> None:
    server = Tls(SERVER)
    with contextlib.suppress(TlsError):
        assert server.feed(b"\x16\x03" + data) is None

    assert not server.established


def test_a_handshake_without_end_is_given_up_before_much_of_it_is_kept() -> None:
    server = Tls(SERVER)
    # The beginning of a message that would be whole with 4 bytes more.
    begun = b"\x16\x03\x01\x40\x00\x01\x00\x40\x00" + bytes(MAX_HANDSHAKE - 9)
    assert server.feed(begun) is None

    with pytest.raises(TlsError, match="handshake of more than 16384 bytes"):
        server.feed(b"\x00")


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(b"\x16\x03\x01\x40\x00\x01\x00\x40\x01", id="a longer message"),
        pytest.param(b"\x16\x03\x01\x00\x03\x01\x00\x01\x16", id="in records of 3 bytes"),
        pytest.param(b"\x16\x03\x01\x00\x01\x01\x16\x03\x01", id="in records of 1 byte"),
    ],
)
def test_a_message_that_claims_to_be_longer_is_given_up_at_its_length(begun: bytes) -> None:
    server = Tls(SERVER)
    for byte in begun[:-1]:
        assert server.feed(bytes([byte])) is None

    with pytest.raises(TlsError, match="handshake of more than 16384 bytes"):
        server.feed(begun[-1:])


def test_what_is_said_behind_the_handshake_does_not_count_as_of_it() -> None:
    client, server = ends()
    client.say(BIG)
    server.feed(client.to_send())
    client.feed(server.to_send())

    assert server.feed(client.to_send()) == BIG


def test_no_file_is_not_taken_for_all_that_the_system_trusts() -> None:
    with pytest.raises(FileNotFoundError):
        client_context("")


def test_versions_before_1_2_are_not_spoken() -> None:
    for context in (SERVER, CLIENT):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.maximum_version in {ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.MAXIMUM_SUPPORTED}


def test_version_1_2_is_spoken() -> None:
    old = client_context(str(LAB.shown))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    client, server = Tls(old, "server"), Tls(SERVER)
    client.say(BIG)
    said = b""
    while len(said) < len(BIG):
        said += server.feed(client.to_send()) or b""
        client.feed(server.to_send())

    assert said == BIG
