"""Names and messages that want to be taken for something else: a label, a line, a command."""

import json
import re
import socket
from random import Random
from typing import Final

from services.datagram import ChatMessage, format_datagram
from services.display import escape
from services.protocol import MAX_USERNAME
from services.settings import DEFAULT_PASSWORD
from services.values import ProtocolError
from tests.services.running import DEADLINE
from tests.support.bystander import Caller
from tests.support.figures import Figure, exactly, none
from tests.support.hostile import text
from tests.support.watched import WatchedClient, WatchedServer

SEED: Final = 4
_REFUSALS: Final = re.compile(rb"ERROR (bad-username|bad-argument|line-too-long) [ -~]+\n")


def hostile_names(count: int, seed: int = SEED) -> list[Figure]:
    """Log in with so many names, and look at the list and at what the server prints."""
    chance = Random(seed)
    wrong: list[str] = []
    let_in = 0
    with WatchedServer() as server, Caller(server.port) as resident:
        known = {resident.log_in(): resident.address}
        for _ in range(count):
            name = text(chance)[: chance.choice([None, MAX_USERNAME])]
            with Caller(server.port, "127.0.0.2") as caller:
                answer = caller.ask(_login(chance, name))
                if answer.startswith(b"OK "):
                    let_in += 1
                    entry = {json.loads(answer[3:])["label"]: caller.address}
                    # Labels and addresses say all of the list: there is no room for a name.
                    if not caller.listed() == resident.listed() == known | entry:
                        wrong.append(f"the list after {name!r}")
                    caller.leave()
                elif not _REFUSALS.fullmatch(answer):
                    wrong.append(f"{answer!r} to {name!r}")
                elif caller.ask(b"LIST\n") != b"ERROR login-required log in first\n":
                    wrong.append(f"no second chance after {name!r}")
        visits = count + 1
        return [
            Figure("hostile names", count),
            Figure("of them let in", let_in, least=1),
            none("lists, answers or second chances that were wrong", wrong),
            *server.end(),
            # A line that says it listens, one for each connection, one for each login.
            exactly("server: lines of its log", server.out.lines, 1 + visits + 1 + let_in),
        ]


def hostile_messages(count: int, seed: int = SEED) -> list[Figure]:
    """Send so many messages to a client, each of which is to be one line there, and harmless."""
    chance = Random(seed)
    missing: list[str] = []
    sent = 0
    with (
        WatchedServer() as server,
        WatchedClient(server.port) as client,
        Caller(server.port) as caller,
    ):
        client.wait_for("LIST AVAILABLE CLIENTS: Y/N")
        label = caller.log_in()
        address = caller.other_than(label)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(caller.address)
            before = client.out.lines
            while sent < count:
                said = text(chance)
                try:
                    data = format_datagram(ChatMessage(f"m{sent}", label, None, said))
                except ProtocolError:
                    # Too long, or with half a surrogate pair: it goes as bytes of another format.
                    data = said.encode(errors="replace")[:1200]
                    said = data.decode(errors="backslashreplace")
                line = f"Received message from {label}: {escape(said)}"
                shown = client.out.awaiting(line.encode())
                peer.sendto(data, address)
                sent += 1
                if not shown.wait(DEADLINE):
                    missing.append(said[:100])
                client.out.forget(line.encode())
            # What was awaited may have been an earlier line; after the last one all have come.
            last = client.out.awaiting(b"the last one")
            peer.sendto(b"the last one", address)
            if not last.wait(DEADLINE):
                missing.append("the last one")
            lines = client.out.lines - before - 1
        return [
            Figure("hostile messages", sent),
            none("messages that were not shown as they are", missing),
            exactly("client: lines for them", lines, count),
            *client.end(),
            *server.end(),
        ]


def _login(chance: Random, name: str) -> bytes:
    members = {"version": 1, "username": name, "password": DEFAULT_PASSWORD}
    # Halves of surrogate pairs can be written as escapes alone.
    escaped = not name.isprintable() and chance.randrange(2) == 0
    raw = json.dumps(members, ensure_ascii=escaped)
    return f"LOGIN {raw}".encode(errors="replace") + b"\n"
