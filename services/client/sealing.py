"""The keys of sealed messages, as far as the dialogue is concerned: whose is asked for, and when.

`seals.py` keeps the keys and uses them.
"""

from services.client.actions import Actions, LearnKey, Question, SendMessage, Show
from services.client.reaching import NOT_LISTED, Reaching
from services.protocol import Accepted, AskKey, PeerKey


class Sealing(Reaching):
    """Asks for a key before the first message to somebody; does nothing where nothing is sealed."""

    def __init__(self, *, stay: bool, plain: bool, sealed: bool) -> None:
        """Start without any key; see `Membership`."""
        super().__init__(stay=stay, plain=plain, sealed=sealed)
        self._keyed: set[str] = set()
        """Whose keys have come since the last login: those of an earlier one are for its label."""
        self._to_send: SendMessage | None = None

    def key_wanted(self, label: str) -> Actions:
        """Take the wish for the key of somebody who has sent something sealed."""
        return [] if AskKey(label) in self._unanswered else self._ask_about(AskKey(label))

    def _accepted(self, reply: Accepted) -> Actions:
        self._keyed.clear()
        return super()._accepted(reply)

    def _send_sealed(self, send: SendMessage) -> Actions:
        if self._keyed.issuperset(send.recipients):
            return self._sent(send)
        self._to_send = send
        return self._inquire(self._ask_for_keys, self._send_without_server)

    def _key_arrived(self, reply: PeerKey) -> Actions:
        if not self._was_asked(AskKey(reply.label)):
            return self.server_gone("it sent a key that nobody asked for")
        self._keyed.add(reply.label)
        return [LearnKey(reply.label, reply.key), *self._ask_for_keys()]

    def _key_refused(self, label: str) -> Actions:
        """Take that somebody has left; nothing can be sealed for them."""
        told: Actions = [LearnKey(label, None)]
        if self._to_send and label in self._to_send.recipients:
            told.append(Show(f"Cannot send to {label}: {NOT_LISTED}."))
            others = {
                other: address
                for other, address in self._to_send.recipients.items()
                if other != label
            }
            self._to_send = self._to_send._replace(recipients=others)
        return [*told, *self._ask_for_keys()]

    def _ask_for_keys(self) -> Actions:
        """Send the message, or ask for what is missing: this is called again when that comes."""
        if not self._to_send:
            return []
        if not self._are_meant():
            self._to_send = None
            return self._name_anew()
        missing = [label for label in self._to_send.recipients if label not in self._keyed]
        if not missing:
            return self._sent(self._to_send)
        return [action for label in missing for action in self.key_wanted(label)]

    def _send_without_server(self) -> Actions:
        if not self._to_send:
            return []
        keyless = [label for label in self._to_send.recipients if label not in self._keyed]
        explained = [
            Show(f"Cannot send to {label}: there is no key for it, and no server to ask.")
            for label in keyless
        ]
        others = {
            label: address
            for label, address in self._to_send.recipients.items()
            if label in self._keyed
        }
        return [*explained, *self._sent(self._to_send._replace(recipients=others))]

    def _sent(self, send: SendMessage) -> Actions:
        self._to_send = None
        sending = [send] if send.recipients else []
        return [*sending, *self._ask(Question.LIST)]
