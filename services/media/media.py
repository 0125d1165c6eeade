"""What a client uses of this package: orders of its person, datagrams of its peers."""

import os
import stat
import threading
import time
from array import array
from collections.abc import Iterable, Mapping

from services.display import escape, moment
from services.media.host import Host, Send
from services.media.incoming import Incoming
from services.media.orders import Call, Order, PlayFile, SoundError
from services.media.outgoing import Outgoing
from services.media.pcmu import RATE
from services.media.receiver import Receiver
from services.media.recording import Recordings
from services.media.rtcp import parse_compound
from services.media.rtp import PacketError, is_rtcp, parse_packet
from services.media.sender import Sender
from services.media.tone import FRAME_SECONDS, frames, tone
from services.media.wav import MAX_FILE, read_wav
from services.settings import reason
from services.values import Address

MAX_SENDING = 8
"""Streams that are sent at once."""
_PITCH, _PITCH_BACK = 440.0, 550.0
"""Hz of a tone, and of the tone that answers a call."""


class Media:
    """Everything of one client that is heard or to be heard."""

    def __init__(self, host: Host, cname: str, directory: str | None) -> None:
        """Take what is needed of the client, the name of its streams, and where recordings go."""
        self._host = host
        self._cname = cname
        self._lock = threading.Lock()
        self._sending: list[Sender] = []
        self._answers: dict[Incoming, Sender] = {}
        self._closed = False
        self._receiver = Receiver(host, cname, Recordings(directory), self._answer, self._answered)

    def play(self, order: Order, recipients: Mapping[str, Address], send: Send) -> str:
        """Begin to send what was asked for by `send`; return a line that says so.

        Raises:
            SoundError: it cannot be played.
        """
        if isinstance(order, PlayFile):
            samples = _read(order.path)
            sound, seconds = frames(samples), len(samples) / RATE
        else:
            sound, seconds = tone(_PITCH, order.seconds), order.seconds
        if not self._begin(sound, recipients, send, is_call=isinstance(order, Call)):
            raise SoundError(f"{MAX_SENDING} are being sent already")
        verb = "Calling" if isinstance(order, Call) else "Sending audio to"
        return f"{verb} {', '.join(recipients)}: {seconds:.1f} s."

    def receive(self, data: bytes, source: Address, age: float, send: Send) -> None:
        """Take a datagram for which `rtp.is_media` holds, and which came `age` seconds ago.

        What answers it goes by `send`.
        """
        at = time.monotonic() - age
        try:
            if is_rtcp(data):
                elements = parse_compound(data)
                self._receiver.report(elements, source, at)
                with self._lock:
                    senders = list(self._sending)
                for sender in senders:
                    sender.hear(elements, source)
            else:
                self._receiver.packet(parse_packet(data), source, at, send)
        except PacketError as error:
            self._receiver.refuse(source, str(error))

    def close(self) -> None:
        """End all that is being sent and received, with a goodbye, and all threads."""
        with self._lock:
            self._closed = True
            senders = list(self._sending)
        for sender in senders:
            sender.close()
        self._receiver.close()

    def _begin(
        self,
        sound: "Iterable[array[int]]",
        recipients: Mapping[str, Address],
        send: Send,
        *,
        is_call: bool,
    ) -> Sender | None:
        with self._lock:
            if self._closed or len(self._sending) >= MAX_SENDING:
                return None
            outgoing = Outgoing(self._host.number, self._cname, is_call=is_call)
            sender = Sender(outgoing, sound, recipients, send, self._sent)
            self._sending.append(sender)
            sender.start()
            return sender

    def _answer(self, stream: Incoming, label: str, send: Send) -> None:
        answer = self._begin(tone(_PITCH_BACK), {label: stream.source}, send, is_call=False)
        if answer:
            self._answers[stream] = answer
            self._host.show(
                f"{moment(time.time())} Audio from {label} is a call: a tone goes back."
            )

    def _answered(self, stream: Incoming) -> None:
        if answer := self._answers.pop(stream, None):
            answer.stop()

    def _sent(self, sender: Sender) -> None:
        with self._lock:
            self._sending.remove(sender)
        if sender.closed:
            return
        outgoing = sender.outgoing
        for label, address in sender.recipients.items():
            self._host.show(
                f"{moment(time.time())} Audio to {label} ended: "
                f"{outgoing.packets * FRAME_SECONDS:.1f} s, {outgoing.packets} packets, "
                f"{_came_of_it(sender, address)}."
            )


def _came_of_it(sender: Sender, address: Address) -> str:
    if address in sender.failures:
        return f"not all could be sent: {sender.failures[address].lower()}"
    told = sender.outgoing.told.get(address)
    if told is None:
        return "no report came back"
    when = "" if told.final else " when it was last heard of"
    return f"lost {told.lost}, jitter {told.jitter:.1f} ms{when}"


def _read(path: str) -> "array[int]":
    """Return the sound of a WAV file.

    Raises:
        SoundError: it cannot be read or played.
    """
    try:
        # Anything else might never end, or never begin.
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - pathlib would slow down the start
            raise SoundError(f"{escape(path)} is no regular file")
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            data = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        why = reason(error).lower() if isinstance(error, OSError) else str(error)
        raise SoundError(f"{escape(path)} cannot be read: {why}") from None
    try:
        return read_wav(data)
    except SoundError as error:
        raise SoundError(f"{escape(path)} cannot be played: {error}") from None
