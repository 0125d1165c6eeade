"""The servers that are measured side by side, each with as many clients logged in."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.callers import Callers, Language, Pace
from benchmarks.loopback import HERE, Server, free_port, serving
from benchmarks.ngircd import LANGUAGE, Ngircd
from benchmarks.played import PROGRAMS
from services.protocol import Accepted, ListClients, Login, format_reply, format_request
from services.settings import DEFAULT_PASSWORD

CHAT, BARE, IRC = "chat", "bare loop", "ngircd"

_LOGIN = format_request(Login("Mzi", DEFAULT_PASSWORD))
_CHAT_LANGUAGE = Language(
    login=lambda _: _LOGIN,
    welcome=b"OK ",
    listing=format_request(ListClients()),
    list_end=b'"more":false}\n',
)
_QUIET = ("--ping-after=3600", "--pong-within=3600")
"""Callers answer no PING."""
_MANY = ("--connections=5000", "--connections-per-address=5000")


@dataclass(frozen=True, slots=True)
class Figure:
    """What one request took: seconds, and processor seconds of the server and of who asks."""

    wall: float
    processor: float
    asking: float


@dataclass(frozen=True, slots=True)
class Side:
    """A server with clients, and the bytes of it that each of them takes."""

    server: Server
    callers: Callers
    memory: float

    def figure(self, load: Callable[[Callers, float], Pace], seconds: float) -> Figure:
        """What a request takes under a load that lasts so many seconds."""
        processor, asking = self.server.processor(), time.process_time()
        pace = load(self.callers, seconds)
        processor, asking = self.server.processor() - processor, time.process_time() - asking
        return Figure(pace.one, processor / pace.done, asking / pace.done)


@contextmanager
def gathered(crowd: int, directory: Path, ngircd: Ngircd | None) -> Iterator[dict[str, Side]]:
    """Servers with a crowd of clients each; without ngircd where there is none."""
    with ExitStack() as running:
        chat = _side(chat_server(directory, *_QUIET), _CHAT_LANGUAGE, crowd, running)
        sides = {CHAT: chat}
        bare = _bare_server(directory, chat.callers.list())
        sides[BARE] = _side(bare, _CHAT_LANGUAGE, crowd, running)
        if ngircd:
            sides[IRC] = _side(ngircd.serving(directory), LANGUAGE, crowd, running)
        yield sides


def chat_server(directory: Path, *options: str) -> AbstractContextManager[Server]:
    """The chat server, which lets in as many as there are."""
    port = free_port()
    command = (sys.executable, "-m", "services.server", "--host", HERE, "--port", str(port))
    return serving((*command, *_MANY, *options), port, directory / "chat.log", {})


def _bare_server(directory: Path, listing: bytes) -> AbstractContextManager[Server]:
    port = free_port()
    welcome, everybody = directory / "welcome", directory / "listing"
    welcome.write_bytes(format_reply(Accepted("USER 1000", HERE, 50000)))
    everybody.write_bytes(listing)
    program = (sys.executable, "-I", "-S", str(PROGRAMS / "bare_server.py"))
    command = (*program, str(port), str(welcome), str(everybody))
    return serving(command, port, directory / "bare.log", {})


def _side(
    starting: AbstractContextManager[Server], language: Language, crowd: int, running: ExitStack
) -> Side:
    server = running.enter_context(starting)
    callers = running.enter_context(Callers(server, language))
    callers.stay(1)  # what the first takes is there once
    before = server.memory()
    callers.stay(crowd)
    return Side(server, callers, (server.memory() - before) / (crowd - 1))
