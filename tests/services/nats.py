"""Clients behind simulated NATs, their server, and a clock that is turned by hand.

The NATs are those of the lab; everything else is what the programs are made of, without sockets.
"""

import random

from peerlab.wire.nat import Nat as SimulatedNat
from services.client.book import AddressBook
from services.client.news import Found, News, Punched
from services.client.traversal import Surroundings, Traversal
from services.datagram import is_stun
from services.nat import Behaviour, Nat
from services.parameters import Parameters
from services.protocol import parse_reply
from services.punch import Hole, Stun
from services.server.reflector import Answer, reflect
from services.server.registry import Registry
from services.server.rendezvous import Rendezvous
from services.values import Address
from tests.wire.internet import Internet, Site, ip, translating

SERVER = "192.0.2.100"
PORTS = (12345, 40873)
THIRD_PORT = 40874
STEP = 0.01
"""Seconds from one turn of the clock to the next."""

FULL_CONE = Nat(Behaviour.ENDPOINT_INDEPENDENT, Behaviour.ENDPOINT_INDEPENDENT)
ADDRESS_RESTRICTED = Nat(Behaviour.ENDPOINT_INDEPENDENT, Behaviour.ADDRESS_DEPENDENT)
PORT_RESTRICTED = Nat(Behaviour.ENDPOINT_INDEPENDENT, Behaviour.ADDRESS_AND_PORT_DEPENDENT)
SYMMETRIC = Nat(Behaviour.ADDRESS_AND_PORT_DEPENDENT, Behaviour.ADDRESS_AND_PORT_DEPENDENT)
CLASSIC = [FULL_CONE, ADDRESS_RESTRICTED, PORT_RESTRICTED, SYMMETRIC]
NAMES = ["full cone", "address-restricted", "port-restricted", "symmetric"]


class World(Internet):
    """NATs by number from 1 on, each with a network 10.number.0.0/24, and a server in public."""

    def __init__(self, *kinds: Nat) -> None:
        sites: dict[int, Site] = {
            number: translating(
                number,
                SimulatedNat(*kind, 120, ip(f"192.0.2.{number}"), random.Random(number)),
            )
            for number, kind in enumerate(kinds, 1)
        }
        super().__init__(sites)
        self.chance = random.Random(1)
        self.rendezvous = Rendezvous(Registry(), self.chance.randbytes, lambda: self.now)
        self.rendezvous.ports = PORTS
        self.clients: dict[str, Client] = {}
        self.sent = 0
        """Datagrams, from and to anybody."""
        self.addressed: set[str] = set()
        """The IP addresses that they went to."""

    def start(self, source: Address, destination: Address, payload: bytes = b"") -> None:
        self.sent += 1
        self.addressed.add(destination[0])
        here, there = self._site(source[0]), self._site(destination[0])
        if here and here == there:
            # On one network no router is asked.
            self.heard[destination[0]].append((source, destination, payload))
        else:
            super().start(source, destination, payload)

    def pass_time(self, seconds: float) -> None:
        """Let everybody do what is due, and all datagrams arrive."""
        until = self.now + seconds
        while self.now < until:
            self.now += STEP
            for client in self.clients.values():
                if client.traversal.patience() == 0:
                    client.traversal.tend()
            self._deliver()

    def _deliver(self) -> None:
        while self.on_the_way or any(self.heard.values()):
            while self.on_the_way:
                self.arrive(0)
            for host, came in list(self.heard.items()):
                self.heard[host] = []
                for source, own, data in came:
                    self._take(own, data, source)

    def _take(self, own: Address, data: bytes, source: Address) -> None:
        if own[0] == SERVER:
            found = reflect(data, source, self.rendezvous)
            if isinstance(found, Answer):
                self.start((SERVER, THIRD_PORT) if found.other_port else own, source, found.data)
        for client in self.clients.values():
            if client.host == own:
                client.take(data, source)


class Client:
    """One client; `host` is its own address, `10.n.0.x` behind NAT n."""

    def __init__(self, world: World, host: Address) -> None:
        self.world = world
        self.host = host
        site = world._site(host[0])
        self.is_behind = site is not None
        self.book = AddressBook(lambda: None)
        self.news: list[News] = []
        self.suspicious = 0
        self.messages: list[tuple[bytes, str | None]] = []
        self.traversal = Traversal(
            self.book,
            Surroundings(
                lambda data, to: world.start(host, to, data),
                self.news.append,
                world.chance.randbytes,
                lambda: world.now,
                15.0,
                f"192.0.2.{site}" if site else None,
            ),
        )
        registry = world.rendezvous.registry
        self.label = registry.add((f"192.0.2.{site}", 33000 + site) if site else host)
        self.stun: Stun | None = world.rendezvous.enter(self.label, self.hear_server)
        world.clients[self.label] = self
        if self.is_behind:
            registry.offer(self.label, Parameters((host,), (), {}))

    def register(self) -> None:
        """Register and find out about the NAT; the server is told."""
        assert self.stun
        self.traversal.register(SERVER, self.stun, self.label, self.host)
        self.world.pass_time(1.0)
        nat = self.nat
        assert nat
        self.world.rendezvous.registry.stands_behind(self.label, nat)

    @property
    def nat(self) -> Nat | None:
        """What was found out about the NAT last."""
        found = [one.nat for one in self.news if isinstance(one, Found)]
        return found[-1] if found else None

    @property
    def listed(self) -> Address:
        return self.world.rendezvous.registry.client_addresses[self.label]

    def hear_server(self, line: bytes) -> bool:
        hole = parse_reply(line.decode().removesuffix("\n"))
        assert isinstance(hole, Hole)
        self.traversal.punch(hole)
        return True

    def punch(self, other: "Client") -> None:
        """Ask the server to have holes punched."""
        self.hear_server(self.world.rendezvous.punch(self.label, other.label))

    def outcome(self, other: "Client") -> Punched:
        """What has become of that."""
        (found,) = (
            one for one in self.news if isinstance(one, Punched) and one.label == other.label
        )
        return found

    def say(self, text: bytes, other: "Client") -> None:
        path = self.traversal.path_to(other.label)
        assert path
        self.world.start(self.host, path, text)
        self.world.pass_time(STEP)

    def take(self, data: bytes, source: Address) -> None:
        if is_stun(data):
            answer = lambda reply, to: self.world.start(self.host, to, reply)  # noqa: E731 - short
            self.suspicious += not self.traversal.take(data, source, answer)
        else:
            self.book.close()
            self.messages.append((data, self.book.label_of(source)))


def behind(world: World, site: int, number: int = 2) -> Client:
    """A client behind a NAT, registered."""
    client = Client(world, (f"10.{site}.0.{number}", 5000 + site))
    client.register()
    return client


def public(world: World) -> Client:
    return Client(world, ("192.0.2.200", 6000))
