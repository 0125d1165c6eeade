"""Straight to peers and from them: the UDP socket, its receive thread, who is where.

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
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from services.client.screen import Screen
from services.datagram import MAX_DATAGRAM, ChatMessage, parse_datagram
from services.display import escape, moment, shorten
from services.media.arrival import note_arrivals, receive
from services.media.host import Host
from services.media.orders import Order
from services.media.rtp import is_media
from services.values import Address, ProtocolError

if TYPE_CHECKING:
    from services.media.media import Media

LOOK_UP_TIMEOUT = 1.0
"""Seconds that a message from an unknown address waits for the server to say whose it is."""
UNKNOWN_FOR = 1.0
"""Seconds for which an address that the server does not know is not asked about again."""
_RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes asked of the system, which may give less: what comes during a look-up waits there."""


class AddressBook:
    """Whose address is whose, as the server said; shared by the dialogue and the receive thread."""

    def __init__(
        self, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Call `wake` when there is something for `take_question`; `clock` counts seconds."""
        self._wake = wake
        self._clock = clock
        self._changed = threading.Condition()
        self._labels: dict[Address, str] = {}
        self._unknown_until: dict[Address, float] = {}
        self._unasked = False
        self._unanswered = False
        self._closed = False

    def label_of(self, address: Address) -> str | None:
        """Return the label of an address, asking the server about one that is not known.

        Called by one thread only. Waits at most `LOOK_UP_TIMEOUT`, and not at all while an
        earlier question is overdue: a silent server holds up one message, not each of them.
        """
        with self._changed:
            now = self._clock()
            if (
                address not in self._labels
                and not self._closed
                and not self._unanswered
                and now >= self._unknown_until.get(address, now)
            ):
                self._unasked = self._unanswered = True
                self._wake()
                self._changed.wait_for(
                    lambda: self._closed or not self._unanswered, LOOK_UP_TIMEOUT
                )
                self._remember_unknown(address)
            return self._labels.get(address)

    def take_question(self) -> bool:
        """Return whether the server is to be asked for the list, once per question."""
        with self._changed:
            taken, self._unasked = self._unasked, False
            return taken

    def learn(self, clients: Mapping[str, Address], *, looked_up: bool) -> None:
        """Replace what is known; `looked_up` if this answers the question that was taken."""
        with self._changed:
            self._labels = {address: label for label, address in clients.items()}
            if looked_up:
                self._unanswered = False
                self._changed.notify_all()

    def close(self) -> None:
        """Take that the server will not answer any more; what is known stays known."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _remember_unknown(self, address: Address) -> None:
        now = self._clock()
        current = {known: until for known, until in self._unknown_until.items() if until > now}
        if address not in self._labels:
            current[address] = now + UNKNOWN_FOR
        self._unknown_until = current


class Peer:
    """The UDP socket and the thread that prints what arrives at it."""

    def __init__(
        self,
        book: AddressBook,
        screen: Screen,
        wake: Callable[[], None],
        media_directory: str | None,
    ) -> None:
        """Make a socket that is not bound yet; `wake` is called if the screen breaks.

        What is heard goes into files of the media directory, if there is one.
        """
        self._book = book
        self._screen = screen
        self._wake = wake
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        note_arrivals(self._udp)
        self._media: Media | None = None
        self._media_lock = threading.Lock()
        self._media_directory = media_directory
        self._name = ""
        self._stop, self._stopper = socket.socketpair()
        self._thread = threading.Thread(target=self._receive, name="receive")

    def open(self, address: Address, local: Address) -> None:
        """Bind to the address that the server sees this client at, and start to receive.

        Behind a NAT this machine does not have that address: then the socket is bound to `local`,
        the end of the TCP connection, which is what peers reach if the NAT keeps the port.

        Raises:
            OSError: neither can be bound.
        """
        with contextlib.suppress(OSError):
            self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        try:
            self._udp.bind(address)
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            self._udp.bind(local)
        self._name = f"{address[0]}:{address[1]}"
        self._thread.start()

    def send(self, message: ChatMessage, data: bytes, address: Address) -> None:
        """Send a datagram.

        Raises:
            OSError: the system refuses it, for want of a route say.
        """
        self._udp.sendto(data, address)
        self._screen.trace(trace("sent", message.message_id, "to", address, message.text))

    def play(self, order: Order, recipients: Mapping[str, Address]) -> str:
        """Begin to send sound; return a line that says so.

        Raises:
            SoundError: it cannot be played.
        """
        return self._use_media().play(order, recipients)

    def close(self) -> None:
        """Stop receiving, join the threads, close the socket."""
        self._book.close()
        self._stopper.close()
        if self._thread.ident:
            self._thread.join()
        if self._media:
            self._media.close()
        self._stop.close()
        self._udp.close()

    def _use_media(self) -> "Media":
        # Most clients never hear anything, and start without these modules.
        from services.media.media import Media  # noqa: PLC0415

        with self._media_lock:
            if not self._media:
                screen = self._screen
                host = Host(
                    self._udp.sendto, self._book.label_of, screen.show, screen.trace, _random
                )
                self._media = Media(host, self._name, self._media_directory)
            return self._media

    def _receive(self) -> None:
        while True:
            readable, _, _ = select.select([self._udp, self._stop], [], [])
            if self._stop in readable:
                return
            try:
                data, source, age = receive(self._udp)
            except OSError:
                # Nothing there after all (a bad checksum), or an earlier datagram's ICMP error,
                # which is reported once and says nothing about what comes next.
                continue
            if is_media(data):
                self._use_media().receive(data, source, age)
                continue
            arrival = time.time()
            shown, traced = describe(data, source, self._book.label_of(source), arrival)
            self._screen.show(shown)
            self._screen.trace(traced)
            if self._screen.broken:
                self._wake()


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
        text = shorten(data.decode(errors="backslashreplace"), MAX_DATAGRAM)
    else:
        message_id, sent, text = message.message_id, message.sent, message.text
    when = moment(arrival if sent is None else sent)
    return (
        f"{when} Received message from {label or source[0]}: {escape(text)}",
        trace("received", message_id, "from", source, text),
    )


def trace(event: str, message_id: str, direction: str, address: Address, text: str) -> str:
    """Return what a trace line says; the text is a JSON string of ASCII characters alone."""
    ip, port = address
    return f"{event} id={message_id} {direction}={ip}:{port} text={json.dumps(text)}"
