"""Reaching recipients: at once, or after holes were punched through the NATs between.

The part of the dialogue that deals with the ways to peers; no I/O, as in `session.py`.
"""

from collections.abc import Callable, Iterable, Mapping

from services.client.actions import Actions, PunchHoles, Question, Reach, Show
from services.client.membership import Link, Membership
from services.protocol import AskKey, AskParameters, Punch
from services.punch import Hole
from services.values import Address, ErrorName

NOT_LISTED = "it is not on the list any more"
NO_HOLE: Mapping[str, str | None] = {
    ErrorName.UNKNOWN_LABEL: NOT_LISTED,
    ErrorName.TOO_MANY_PUNCHES: "the server was asked to punch holes too often",
    # The other one speaks an earlier version: it is written to directly, as that version does.
    ErrorName.NO_PUNCHING: None,
}
"""Why a peer behind a NAT cannot be reached, by the error; None where it can be tried."""


class Reaching(Membership):
    """Whom the next message goes to, and who of them has to be reached first."""

    def __init__(self, *, stay: bool, plain: bool, sealed: bool) -> None:
        """Start with nobody named; see `Membership`."""
        super().__init__(stay=stay, plain=plain, sealed=sealed)
        self._recipients: dict[str, Address] = {}
        self._meaning = 0
        """Counts how often labels that were learnt may have become those of others."""
        self._named_in = 0
        """The meaning that labels had when the recipients began to be named."""
        self._behind: set[str] = set()
        """Those on the list that are behind a NAT."""
        self._waiting: list[str] = []
        self._unreached: dict[str, str] = {}
        self._unanswered: list[AskKey | AskParameters | Punch] = []
        """What the server was asked about single clients; it answers in this order."""
        self._once_reached: Callable[[dict[str, Address]], Actions] = lambda _: []

    def _reach(self, send: Callable[[dict[str, Address]], Actions]) -> Actions:
        """Send at once, or after holes were punched to those recipients that need it."""
        if not self._are_meant():
            return self._name_anew()
        hidden = [
            label
            for label in self._recipients
            if label != self._label and (self._is_behind or label in self._behind)
        ]
        if not hidden:
            return send(self._recipients)
        self._once_reached = send
        return [Reach(tuple(hidden))]

    def without_path(self, labels: Iterable[str]) -> Actions:
        """Take which of the recipients that were asked about with `Reach` have no path yet."""
        self._waiting = list(labels)
        self._unreached = {}
        return self._inquire(self._ask_for_punches, self._reached)

    def punched(self, label: str, why: str | None) -> Actions:
        """Take that there is a path to a peer, or why there is none."""
        if label not in self._waiting:
            return []
        self._waiting.remove(label)
        if why:
            self._unreached[label] = why
        return [] if self._waiting else self._reached()

    def _ask_for_punches(self) -> Actions:
        if not self._waiting:
            return self._reached()
        return [asked for label in self._waiting for asked in self._ask_about(Punch(label))]

    def _reached(self) -> Actions:
        """Send to whom there is a path, and to all others if there is no server to ask."""
        self._waiting = []
        if not self._are_meant():
            return self._name_anew()
        told = [Show(f"Cannot send to {label}: {why}.") for label, why in self._unreached.items()]
        reached = {
            label: address
            for label, address in self._recipients.items()
            if label not in self._unreached
        }
        following = self._once_reached(reached) if reached else self._ask(Question.LIST)
        return [*told, *following]

    def _are_meant(self) -> bool:
        """Return whether the labels of the recipients are still those of whom they were."""
        return self._named_in == self._meaning

    def _name_anew(self) -> Actions:
        explained = Show("You have logged in again meanwhile: please name the recipients anew.")
        return [explained, *self._ask(Question.LIST)]

    def _hole_arrived(self, hole: Hole) -> Actions:
        if not self._label or self._link is not Link.UP:
            # Not logged in (yet): there is no address to punch from.
            return []
        if hole.asked and not self._was_asked(Punch(hole.label)):
            return self.server_gone("it sent an answer to no question")
        return [PunchHoles(hole)]

    def _ask_about(self, question: AskKey | AskParameters | Punch) -> Actions:
        self._unanswered.append(question)
        return self._tell_server(question)

    def _was_asked(self, question: AskKey | AskParameters | Punch) -> bool:
        """Return whether this was waiting for its answer, which has come."""
        if question not in self._unanswered:
            return False
        self._unanswered.remove(question)
        return True
