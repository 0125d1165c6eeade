"""How much of everything the attacks take: little for the tests, all of it by `make abuse`."""

from typing import Final, NamedTuple


class Scale(NamedTuple):
    """Numbers of attacks, and seconds where an attack lasts.

    Attributes:
        clients: logged in at once.
        chatter: seconds for which they ask for the list.
        greedy: asking for it without end, meanwhile.
        greed: seconds for which they do.
        storm: logging in at the same moment.
        senders: slow ones at a time.
        rounds: how often each slow sender comes.
        login_within: seconds that the server gives a slow sender.
        guesses: wrong passwords.
        guessers: connections that guess at a time, all from one address.
        guess_delay_most: seconds that the server holds a refusal back at most.
        sessions: hostile TCP sessions.
        first_packets: huge ones.
        first_packet: megabytes of each.
        datagrams: hostile ones.
        replies: of a hostile server.
        names: hostile names, and as many hostile messages.
    """

    clients: int
    chatter: float
    greedy: int
    greed: float
    storm: int
    senders: int
    rounds: int
    login_within: float
    guesses: int
    guessers: int
    guess_delay_most: float
    sessions: int
    first_packets: int
    first_packet: int
    datagrams: int
    replies: int
    names: int


SHORT: Final = Scale(
    clients=100,
    chatter=3,
    greedy=5,
    greed=2,
    storm=100,
    senders=40,
    rounds=2,
    login_within=4,
    guesses=100,
    guessers=20,
    guess_delay_most=0.1,
    sessions=2_000,
    first_packets=3,
    first_packet=10,
    datagrams=10_000,
    replies=500,
    names=200,
)
LONG: Final = Scale(
    clients=500,
    chatter=300,
    greedy=20,
    greed=10,
    storm=500,
    senders=200,
    rounds=3,
    login_within=20,
    guesses=1_000,
    guessers=250,
    guess_delay_most=8,
    sessions=50_000,
    first_packets=14,
    first_packet=100,
    datagrams=1_000_000,
    replies=20_000,
    names=2_000,
)
