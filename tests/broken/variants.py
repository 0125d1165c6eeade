"""The defects that are put into the chat system on purpose, and what catches each of them."""

import re
from dataclasses import dataclass

STEPS, DELIVERY, LATENCY, PRESENCE = "steps", "delivery", "latency", "presence"
NEVER_AT_U2 = re.compile(r"to u2: typed at .*delivered by the network; u2 never showed it")
LONG_AT_U1 = re.compile(r"\(\d{3,} ms at u1, ")
LONG_AT_U2 = re.compile(r", \d{3,} ms at u2\)")


@dataclass(frozen=True)
class Variant:
    """A module of this directory, and what a scenario must find wrong with it.

    Attributes:
        program: the program that it takes the place of: `server`, `client` or `both`.
        scenario: the name of the shipped scenario that must catch it.
        check: the name of the check that finds it.
        told: what the finding must say: its message, its proof or the reasons that it gives.
    """

    module: str
    program: str
    scenario: str
    check: str
    told: str | re.Pattern[str]

    def __str__(self) -> str:
        return f"{self.program}-{self.module}"

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that it takes the place of."""
        return ("server", "client") if self.program == "both" else (self.program,)

    def is_told_in(self, text: str) -> bool:
        """Whether a finding with this text says what is wrong."""
        if isinstance(self.told, str):
            return self.told in text
        return self.told.search(text) is not None


VARIANTS = [
    # Logging in.
    Variant("any_password", "server", "login/wrong-password", STEPS, "Authentication successful!"),
    Variant("beginning_is_enough", "server", "login/nearly-right", STEPS, "successful!"),
    Variant("blanks_do_not_count", "server", "login/nearly-right", STEPS, "successful!"),
    Variant("first_try_refused", "server", "login/right-at-once", STEPS, "Incorrect username"),
    Variant("five_tries", "server", "login/nearly-right", STEPS, "Incorrect username"),
    Variant("greets", "client", "login/wrong-password", STEPS, "Welcome to the chat!"),
    Variant("tells_password", "server", "demo", "log", "server printed 'CSC3@A1'"),
    # The list.
    Variant("newest_first", "server", "list/labels-in-order", STEPS, "'USER 3': ("),
    Variant("labels_kept", "server", "list/before-and-after", PRESENCE, "with u2, who had ended"),
    Variant("killed_clients_kept", "server", "list/killed", PRESENCE, "with u2, who was killed"),
    Variant("list_lacks_one", "server", "list/who-is-there", PRESENCE, "without alice, who had"),
    Variant("lingers", "server", "list/killed", PRESENCE, "with u2, who was killed"),
    Variant("stale_list", "server", "list/one-in-one-out", PRESENCE, "with u1, who had ended"),
    Variant("first_list_kept", "client", "list/before-and-after", PRESENCE, "with u2, who had"),
    Variant(
        "labels_by_count", "server", "list/one-in-one-out", PRESENCE, "without u2, who had joined"
    ),
    Variant("label_reused", "server", "list/one-in-one-out", STEPS, ", 'USER 1': ("),
    Variant("lists_loopback", "server", "network/three-segments", STEPS, "('127.0.0.1', "),
    # Messages.
    Variant(
        "only_first_recipient", "client", "messages/one-to-two", STEPS, "u3 never showed 'Received"
    ),
    Variant("sent_to_all", "client", "messages/one-to-one", DELIVERY, "3 messages sent"),
    Variant("never_to_oneself", "client", "messages/to-oneself", STEPS, "Note to myself"),
    Variant(
        "wrong_sender", "client", "messages/one-to-two", STEPS, "Received message from USER 2: YES"
    ),
    Variant(
        "day_first",
        "client",
        "messages/timestamp",
        STEPS,
        re.compile(r"\d\d-\d\d-\d{4} .*: What time is it\?"),
    ),
    Variant("time_stands_still", "client", "messages/timestamp", STEPS, "And now?"),
    Variant("raw_escapes", "client", "messages/escape-sequences", "log", r"u2 printed '\x1b'"),
    Variant("cut_at_100", "client", "messages/odd-text", STEPS, "from USER 1: 0123456789"),
    Variant(
        "blanks_squeezed", "client", "messages/odd-text", STEPS, ":  two in front, three within"
    ),
    Variant("blanks_stripped", "client", "messages/odd-text", STEPS, ": two in front,   three"),
    Variant("five_messages", "client", "messages/in-order", "log", "5 times, expected 7"),
    Variant(
        "drops_same_text",
        "client",
        "messages/same-text-again",
        DELIVERY,
        re.compile(
            r"1 message lost.*'Knock\.'.* delivered by the network; u2 never showed", re.DOTALL
        ),
    ),
    # Prompts, and the end.
    Variant("anything_is_no", "client", "answers/list", STEPS, "Enter number of recipients: "),
    Variant("one_too_many", "client", "answers/number", STEPS, "Enter recipient's username: "),
    Variant("not_to_all", "client", "answers/number", STEPS, "Please type a number"),
    Variant("quit_is_no_number", "client", "quit/at-number", STEPS, "Please type a number"),
    Variant("no_second_quit", "client", "quit/at-recipient", STEPS, "There is no such recipient"),
    Variant("quit_it_ends", "client", "messages/odd-text", STEPS, "quit it!"),
    Variant("quit_with_status_3", "client", "quit/at-list", STEPS, "u1 ended with status 3"),
    Variant("ctrl_c_at_message", "client", "quit/ctrl-c", STEPS, "u6 ended with status 130"),
    Variant("hangs_on_quit", "client", "quit/without-an-answer", STEPS, "u1 did not end"),
    Variant(
        "server_not_missed",
        "client",
        "presence/server-killed",
        STEPS,
        re.compile(r"u1 never showed /\(\?i\)server.*; u1 is still running"),
    ),
    # Datagrams: where they go to and come from.
    Variant("wrong_port", "client", "list/udp-ports", DELIVERY, NEVER_AT_U2),
    Variant("binds_late", "client", "messages/one-to-one", DELIVERY, NEVER_AT_U2),
    Variant(
        "fixed_port",
        "client",
        "list/udp-ports",
        DELIVERY,
        re.compile(r"it went to port \d+, and u2 is known at port \d+"),
    ),
    Variant(
        "another_socket",
        "client",
        "list/udp-ports",
        STEPS,
        re.compile(r"Received message from [\d.]+: Is this"),
    ),
    Variant(
        "any_port_behind_nat",
        "client",
        "network/nat/full-cone",
        STEPS,
        re.compile(r"Received message from [\d.]+: Here I am\."),
    ),
    Variant(
        "connected_to_one",
        "client",
        "messages/one-to-two",
        DELIVERY,
        re.compile(r"'HWU' .* delivered by the network; u1 never showed it"),
    ),
    Variant(
        "deaf_after_refusal",
        "client",
        "presence/peer-gone",
        DELIVERY,
        re.compile(r"'I am\.' .* delivered by the network; u1 never showed it"),
    ),
    Variant(
        "deaf_after_stranger", "client", "messages/from-a-stranger", "no-traceback", "bad-datagram"
    ),
    Variant("believes_strangers", "client", "messages/from-a-stranger", STEPS, "from USER 2: I am"),
    Variant(
        "answers_claims", "client", "messages/from-a-stranger", DELIVERY, "u1 to stranger: 1 sent"
    ),
    Variant("small_buffer", "client", "messages/odd-text", STEPS, "datagrams: 1 damaged."),
    Variant(
        "copied_to_others",
        "client",
        "network/in-clear",
        "traffic",
        "to carol, too, for whom it was",
    ),
    Variant(
        "through_server",
        "both",
        "network/in-clear",
        "traffic",
        re.compile(r"server passed message '.*' of alice on to bob"),
    ),
    Variant(
        "copied_to_server",
        "client",
        "network/in-clear",
        "traffic",
        re.compile(r"alice sent message '.*' to server, which it was not for"),
    ),
    Variant("sends_unsealed", "client", "network/sealed", "capture", "Nobody but you can read"),
    Variant(
        "shows_unsealed",
        "client",
        "network/sealed-from-a-stranger",
        STEPS,
        re.compile(r"Received message from 10\S+: I am your friend"),
    ),
    # The server, the network or a client that goes for a while.
    Variant("never_asks", "server", "presence/paused-too-long", STEPS, "'which was silent for"),
    Variant("tries_once", "client", "presence/server-comes-back", STEPS, "Logged in again"),
    # Datagrams: lost, late, twice, in another order.
    Variant("sent_twice", "client", "messages/one-to-one", "log", "1 replayed"),
    Variant("shows_replays", "client", "network/duplicated", DELIVERY, "1 message duplicated"),
    Variant("sent_again_as_new", "client", "messages/one-to-one", DELIVERY, "2 messages sent"),
    Variant(
        "resends_in_haste",
        "client",
        "network/satellite",
        "log",
        re.compile(r"Suspicious datagrams: \d+ replayed"),
    ),
    Variant(
        "drops_late",
        "client",
        "network/one-late",
        DELIVERY,
        re.compile(r"'Sent first\.' .* delayed by 3000 ms .* u2 never showed it"),
    ),
    Variant(
        "drops_overtaken",
        "client",
        "network/swapped",
        DELIVERY,
        re.compile(r"'What has keys .* held until others had passed .* u2 never showed it"),
    ),
    Variant(
        "last_come_first", "client", "faults/client-paused", "order", "after one that was sent"
    ),
    # Time.
    Variant("waits_before_sending", "client", "messages/at-once", LATENCY, LONG_AT_U1),
    Variant(
        "one_after_the_other",
        "client",
        "messages/at-once",
        LATENCY,
        re.compile(LONG_AT_U1.pattern + ".*, to u3: "),
    ),
    Variant("shows_after_enter", "client", "messages/at-once", LATENCY, LONG_AT_U2),
    Variant(
        "rests_after_each",
        "client",
        "messages/at-once",
        LATENCY,
        re.compile(LONG_AT_U2.pattern + ": 'A shooting star!'"),
    ),
    # Connections.
    Variant(
        "one_at_a_time",
        "server",
        "login/silent-client",
        STEPS,
        'server never showed "Accepted connection from',
    ),
    Variant("drops_idle", "server", "messages/timestamp", STEPS, "it has closed the connection"),
    Variant("impatient", "client", "network/slow-server", STEPS, "gone: it does not answer"),
    Variant("one_recv_one_line", "server", "network/long-line", STEPS, "must be one JSON object"),
    Variant(
        "no_reuse_address", "server", "faults/server-restarts", STEPS, "Address already in use"
    ),
]
