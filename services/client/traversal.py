"""Getting through NATs, for one login: registering, punching holes, keeping them open.

Shared by the dialogue and the receive thread.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from services.client.book import AddressBook
from services.client.discovery import Discovery
from services.client.news import Found, News, Punched
from services.client.path import Path
from services.client.punching import Punching
from services.media.host import Send
from services.nat import Nat, why_unreachable
from services.punch import Hole, Stun
from services.replays import Replays
from services.stun import Kind, Message, StunError, format_stun, mapped, parse_stun
from services.values import Address

MENU_WAITS = 0.5
"""Seconds that a login waits for the registration, so that others find the right address."""
MAX_PUNCHING = 128
"""Peers to which holes are punched at once."""
MAX_KEYS = 512
"""Keys of peers that are remembered; of more, the oldest are forgotten."""
MAX_KEYS_EACH = 4
"""The same of one peer: none pushes out those of others."""


class Surroundings(NamedTuple):
    """What a traversal needs of its client.

    Attributes:
        send: sends a datagram from the address of this login.
        tell: takes news.
        random: gives so many random bytes.
        clock: counts seconds.
        keep_open: seconds from one sign of life on a mapping to the next.
        outside: the IP address that the server sees this client at, if it is behind a NAT.
    """

    send: Send
    tell: Callable[[News], None]
    random: Callable[[int], bytes]
    clock: Callable[[], float]
    keep_open: float
    outside: str | None


class Traversal:
    """The ways of one login to its peers."""

    def __init__(self, book: AddressBook, surroundings: Surroundings) -> None:
        """Start without any."""
        self._book = book
        self._at = surroundings
        self._lock = threading.RLock()
        self._discovery: Discovery | None = None
        self._nat: Nat | None = None
        self._menu_due: float | None = None
        self._refresh_due: float | None = None
        self._keys: OrderedDict[str, tuple[str, bytes, Replays]] = OrderedDict()
        self._punching: dict[str, Punching] = {}
        self._paths: dict[str, Path] = {}
        self._own: tuple[str, Address] | None = None

    def register(self, server: str, stun: Stun, label: str, local: Address) -> None:
        """Begin to register at the server with this IP address.

        Nobody behind a NAT can count on reaching itself through it: its own label is at `local`.
        """
        with self._lock:
            now = self._at.clock()
            self._discovery = Discovery(server, stun, self._at.random, now)
            self._menu_due = now + MENU_WAITS
            self._refresh_due = now + self._at.keep_open
            self._own = label, local
            self._book.trust(label, local)

    def punch(self, hole: Hole) -> None:
        """Begin to punch holes to a peer, as the server told both."""
        with self._lock:
            self._remember_key(hole)
            if hole.label in self._punching:
                # Both have asked at the same time: what has begun goes on, and both know both keys.
                return
            if len(self._punching) >= MAX_PUNCHING:
                self._at.tell(Punched(hole.label, "too many holes are being punched already"))
                return
            now = self._at.clock()
            self._punching[hole.label] = Punching(hole, self._at.outside, self._at.random, now)

    def path_to(self, label: str) -> Address | None:
        """Return where a peer is to be written to, if that has been found out."""
        with self._lock:
            if self._own and self._own[0] == label:
                return self._own[1]
            path = self._paths.get(label)
            if path is None:
                return None
            path.used = self._at.clock()
            return path.address

    def heard(self, source: Address) -> None:
        """Take that something has come from an address: a path to it is in use."""
        with self._lock:
            for path in self._paths.values():
                if path.address == source:
                    path.used = self._at.clock()

    def take(self, data: bytes, source: Address, answer: Send) -> bool:
        """Take a datagram for which `is_stun` holds; return False if it claims what is not true."""
        try:
            message = parse_stun(data)
        except StunError:
            # Anybody may send that; nothing comes of it.
            return True
        with self._lock:
            if message.kind is Kind.REQUEST:
                return self._answer(message, source, answer)
            if message.kind is not Kind.INDICATION:
                self._take_answer(message, source)
            return True

    def patience(self) -> float | None:
        """Return in how many seconds `tend` has something to do; None if never."""
        with self._lock:
            dues = [self._menu_due, self._refresh_due]
            if self._discovery:
                dues.append(self._discovery.due)
            dues += [one.due for one in self._punching.values()]
            dues += [path.checked + self._at.keep_open for path in self._paths.values()]
            left = [due - self._at.clock() for due in dues if due is not None]
            return max(0.0, min(left)) if left else None

    def tend(self) -> None:
        """Do what is due."""
        with self._lock:
            now = self._at.clock()
            if self._discovery:
                self._discover(self._discovery, now)
            for label, punching in list(self._punching.items()):
                self._send(punching.take_due(now))
                if now >= punching.until:
                    del self._punching[label]
                    is_behind = self._at.outside is not None
                    why = why_unreachable(self._nat, punching.hole.nat, is_behind=is_behind)
                    self._at.tell(Punched(label, why))
            for label, path in list(self._paths.items()):
                if now - path.checked >= self._at.keep_open:
                    if path.is_over(now):
                        del self._paths[label]
                    else:
                        self._send([path.check(self._at.random, now)])

    def _remember_key(self, hole: Hole) -> None:
        own = [name for name, (label, *_) in self._keys.items() if label == hole.label]
        if len(own) >= MAX_KEYS_EACH:
            del self._keys[own[0]]
        self._keys[hole.received_as] = hole.label, hole.password.encode(), Replays()
        if len(self._keys) > MAX_KEYS:
            self._keys.popitem(last=False)

    def _discover(self, discovery: Discovery, now: float) -> None:
        if self._refresh_due is not None and now >= self._refresh_due:
            self._refresh_due = now + self._at.keep_open
            discovery.refresh(now)
        self._send(discovery.take_due(now))
        nat = discovery.nat(now)
        if nat and not self._nat:
            self._nat = nat
            self._menu_due = None
            self._at.tell(Found(nat))
        if self._menu_due is not None and now >= self._menu_due:
            self._menu_due = None
            self._at.tell(Found(None))

    def _answer(self, request: Message, source: Address, answer: Send) -> bool:
        known = self._keys.get(request.username or "")
        if not known:
            return True
        label, key, replays = known
        if not request.is_signed_by(key):
            return False
        if replays.is_one(request.transaction, source):
            # Sent again by somebody who has read it: the address proves nothing.
            return True
        # Before the answer: what the peer sends once it has that comes from a known address.
        self._book.trust(label, source)
        if punching := self._punching.get(label):
            punching.add(source, self._at.clock())
        response = format_stun(Kind.RESPONSE, request.transaction, [mapped(source)], key=key)
        with contextlib.suppress(OSError):
            answer(response, source)
        return True

    def _take_answer(self, message: Message, source: Address) -> None:
        now = self._at.clock()
        if self._discovery and self._discovery.take(message, now):
            return
        if any(path.take(message, source) for path in self._paths.values()):
            return
        for label, punching in self._punching.items():
            if punching.answers(message, source):
                del self._punching[label]
                self._paths[label] = Path(punching.hole, source, now)
                self._book.trust(label, source)
                self._at.tell(Punched(label, None))
                return

    def _send(self, datagrams: Iterable[tuple[bytes, Address]]) -> None:
        for data, address in datagrams:
            # What cannot be sent counts as lost: some of the addresses may make no sense here.
            with contextlib.suppress(OSError):
                self._at.send(data, address)
