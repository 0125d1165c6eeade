"""Straight to peers and from them: the UDP sockets and their receive thread.

Messages are shown here; what is media is handed on to `services.media`.
"""

import contextlib
import errno
import json
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from services.client.book import AddressBook
from services.client.guard import Guard, SuspiciousError
from services.client.news import News
from services.client.screen import Screen
from services.datagram import MAX_DATAGRAM, ChatMessage, is_stun, parse_datagram
from services.display import escape, moment, shorten
from services.media.arrival import note_arrivals, receive
from services.media.host import Host
from services.media.orders import Order
from services.media.rtp import is_media
from services.punch import Hole, Stun
from services.values import Address, ProtocolError

if TYPE_CHECKING:
    from services.client.seals import Seals
    from services.client.traversal import Traversal
    from services.media.media import Media

KEPT = 8
"""Sockets that stay open: one for each of the last logins."""
_RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes asked of the system, which may give less: what comes during a look-up waits there."""


class Peer:
    """The UDP sockets and the thread that prints what arrives at them.

    There is one socket for each login: peers that hold an old list write to an old one.
    """

    def __init__(
        self,
        book: AddressBook,
        screen: Screen,
        wake: Callable[[], None],
        media_directory: str | None,
        keep_open: float,
        seals: "Seals | None" = None,
    ) -> None:
        """Open nothing yet; `wake` is called if the screen breaks, or if there are `news`.

        What is heard goes into files of the media directory, if there is one. Mappings of a NAT are
        used every `keep_open` seconds. With seals nothing is heard, and nothing shown that was not
        sealed.
        """
        self.news: deque[News] = deque()
        """What is found out about NATs, for the dialogue to take."""
        self._book = book
        self._screen = screen
        self._wake = wake
        self._seals = seals
        self._guard = Guard(time.monotonic)
        self._sockets: list[socket.socket] = []
        self._media: Media | None = None
        self._media_lock = threading.Lock()
        self._media_directory = media_directory
        self._keep_open = keep_open
        self._traversal: Traversal | None = None
        self._outside: str | None = None
        self._name = ""
        self._changed, self._changer = socket.socketpair()
        self._thread = threading.Thread(target=self._receive, name="receive")

    def open(self, address: Address, local: Address) -> None:
        """Bind to the address that the server sees this client at, and start to receive.

        Behind a NAT this machine does not have that address: then the socket is bound to `local`,
        the end of the TCP connection, which is what peers reach if the NAT keeps the port.

        Raises:
            OSError: neither can be bound.
        """
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        note_arrivals(udp)
        with contextlib.suppress(OSError):
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        try:
            _bind(udp, address, local)
        except OSError:
            udp.close()
            raise
        self._sockets.append(udp)
        # What was found out about the ways from another socket does not hold for this one.
        self._traversal = None
        self._outside = None if address == local else address[0]
        # Streams keep the name of the first login: they may outlive it.
        self._name = self._name or f"{address[0]}:{address[1]}"
        if self._thread.ident:
            self._changer.send(b"\0")
        else:
            self._thread.start()

    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        """Send a datagram.

        Raises:
            OSError: the system refuses it, for want of a route say.
        """
        self._sockets[-1].sendto(data, address)
        self._screen.trace(trace("sent", message.message_id, "to", address, message.text))

    def register(self, server: str, stun: Stun, label: str, local: Address) -> None:
        """Begin to find out what the NAT does; see `Traversal.register`."""
        self._use_traversal().register(server, stun, label, local)
        self._changer.send(b"\0")

    def punch(self, hole: Hole) -> None:
        """Begin to punch holes to a peer."""
        self._use_traversal().punch(hole)
        self._changer.send(b"\0")

    def path_to(self, label: str) -> Address | None:
        """Return where a peer is to be written to, if that is another address than the list's."""
        traversal = self._traversal
        return traversal.path_to(label) if traversal else None

    def play(self, order: Order, recipients: Mapping[str, Address]) -> str:
        """Begin to send sound from the address of the last login; return a line that says so.

        Raises:
            SoundError: it cannot be played.
        """
        return self._use_media().play(order, recipients, self._sockets[-1].sendto)

    def close(self) -> None:
        """Stop receiving, join the threads, close the sockets."""
        self._book.close()
        self._changer.close()
        if self._thread.ident:
            self._thread.join()
        if self._media:
            self._media.close()
        self._changed.close()
        for udp in self._sockets:
            udp.close()

    def _use_media(self) -> "Media":
        # Most clients never hear anything, and start without these modules.
        from services.media.media import Media  # noqa: PLC0415

        with self._media_lock:
            if not self._media:
                screen = self._screen
                host = Host(self._book.label_of, screen.show, screen.trace, _random)
                self._media = Media(host, self._name, self._media_directory)
            return self._media

    def _use_traversal(self) -> "Traversal":
        # As for media: most clients are behind no NAT.
        from services.client.traversal import Surroundings, Traversal  # noqa: PLC0415

        if not self._traversal:
            surroundings = Surroundings(
                self._sockets[-1].sendto,
                self._tell,
                os.urandom,
                time.monotonic,
                self._keep_open,
                self._outside,
            )
            self._traversal = Traversal(self._book, surroundings)
        return self._traversal

    def _tell(self, news: News) -> None:
        self.news.append(news)
        self._wake()

    def _patience(self) -> float | None:
        traversal = self._traversal
        dues = (self._guard.report_due(), traversal.patience() if traversal else None)
        return min((due for due in dues if due is not None), default=None)

    def _receive(self) -> None:
        while True:
            sources = [*self._sockets, self._changed]
            readable, _, _ = select.select(sources, [], [], self._patience())
            if self._changed in readable:
                if not self._changed.recv(1):
                    return
                # Only this thread closes one: nobody waits for it then.
                while len(self._sockets) > KEPT:
                    self._sockets.pop(0).close()
                continue
            for udp in readable:
                self._take(udp)
            if traversal := self._traversal:
                traversal.tend()
            if report := self._guard.report():
                self._screen.show(report)
            if self._screen.broken:
                self._wake()

    def _take(self, udp: socket.socket) -> None:
        try:
            data, source, age = receive(udp)
        except OSError:
            # Nothing there after all (a bad checksum), or an earlier datagram's ICMP error,
            # which is reported once and says nothing about what comes next.
            return
        arrival = time.time()
        traversal = self._traversal
        if is_stun(data):
            if traversal and not traversal.take(data, source, udp.sendto):
                self._guard.refuses("forged")
            return
        if traversal:
            traversal.heard(source)
        if is_media(data) and not self._seals:
            # What goes back leaves from where this was sent to: the sender knows that address.
            self._use_media().receive(data, source, age, udp.sendto)
            return
        admitted = self._admitted(data, source)
        if admitted is None:
            self._screen.trace(trace("dropped", "-", "from", source, _readable(data)))
            return
        message, label = admitted
        self._guard.compare(message, label, self._book.knows)
        shown, traced = describe(message, source, label, arrival)
        self._screen.show(shown)
        self._screen.trace(traced)

    def _admitted(self, data: bytes, source: Address) -> tuple[bytes, str | None] | None:
        """Return what is to be shown of a datagram, and whose it is; None if it is to be dropped.

        In clear that is said by the list, for sealed datagrams by the seal as well: the list may
        change meanwhile.
        """
        if not self._seals:
            if not self._guard.admits(data, source):
                return None
            return data, self._book.label_of(source)
        if not self._guard.admits_sealed(data):
            return None
        label = self._book.label_of(source)
        try:
            message = self._seals.open(data, label, source)
        except SuspiciousError as error:
            self._guard.refuses(str(error))
            return None
        return (message, label) if self._guard.admits(message, label or source) else None


def _bind(udp: socket.socket, address: Address, local: Address) -> None:
    try:
        udp.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        udp.bind(local)


def _random() -> int:
    return int.from_bytes(os.urandom(4))


def describe(data: bytes, source: Address, label: str | None, arrival: float) -> tuple[str, str]:
    """Return the line for the screen and the trace line of a datagram that came.

    The sender is the server's label for the source address, else its IP address; what the datagram
    says about itself is not believed. Times are Unix seconds, shown in the local time zone.
    """
    try:
        message = parse_datagram(data)
    except ProtocolError:
        message_id, sent = "-", None
        text = _readable(data)
    else:
        message_id, sent, text = message.message_id, message.sent, message.text
    when = moment(arrival if sent is None else sent)
    return (
        f"{when} Received message from {label or source[0]}: {escape(text)}",
        trace("received", message_id, "from", source, text),
    )


def _readable(data: bytes) -> str:
    return shorten(data.decode(errors="backslashreplace"), MAX_DATAGRAM)


def trace(event: str, message_id: str, direction: str, address: Address, text: str) -> str:
    """Return what a trace line says; the text is a JSON string of ASCII characters alone."""
    ip, port = address
    return f"{event} id={message_id} {direction}={ip}:{port} text={json.dumps(text)}"
