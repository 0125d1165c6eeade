"""The streams that are being received, and the thread that plays them and reports on them.

Media is taken only from addresses on the server's list. What does not fit is counted, told in one
line, and changes nothing.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from services.display import moment
from services.media.host import Host, Send
from services.media.incoming import Incoming, check
from services.media.recording import Recording, Recordings
from services.media.rtcp import Element, format_compound
from services.media.rtp import Packet, PacketError
from services.values import Address

MAX_STREAMS = 8
"""Streams that are received at once."""
MAX_STREAMS_EACH = 2
"""Those of one address: one may begin while the goodbye of the one before was lost."""
REPORT_INTERVAL = 1.0
"""Seconds between reports. RFC 3550 would have 5, which is longer than most messages here."""
REFUSALS_TOLD = 10.0
"""Seconds between two lines about what was refused."""
_TICK = 0.1
_REMEMBERED = 32
"""Streams that said goodbye; a packet that was overtaken by far does not begin them anew."""


class _Heard:
    """A stream with what is done about it."""

    def __init__(
        self, stream: Incoming, label: str, send: Send, recording: Recording, reporter: int
    ) -> None:
        self.stream = stream
        self.label = label
        self.send = send
        self.recording = recording
        self.reporter = reporter
        self.next_report = time.monotonic() + REPORT_INTERVAL
        self.is_answered = False


class Receiver:
    """Everything that is being received by one client."""

    def __init__(
        self,
        host: Host,
        cname: str,
        recordings: Recordings,
        called: Callable[[Incoming, str, Send], None],
        ended: Callable[[Incoming], None],
    ) -> None:
        """Call `called` for each call and `ended` with each stream.

        `called` gets the stream, the caller's label, and what sends to the caller.
        """
        self._host = host
        self._cname = cname
        self._recordings = recordings
        self._called = called
        self._ended = ended
        self._changed = threading.Condition()
        self._heard: dict[tuple[Address, int], _Heard] = {}
        self._gone: deque[tuple[Address, int]] = deque(maxlen=_REMEMBERED)
        self._refused = 0
        self._last_refusal = ""
        self._next_told = 0.0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="play audio")

    def packet(self, packet: Packet, source: Address, at: float, send: Send) -> None:
        """Take a packet that came at `at` seconds of the monotonic clock.

        Reports on the stream that it begins go by `send`.

        Raises:
            PacketError: it is refused.
        """
        check(packet)
        key = source, packet.ssrc
        label = None if key in self._heard else self._host.label_of(source)
        with self._changed:
            if key not in self._heard:
                self._begin(packet, source, label, at, send)
            self._heard[key].stream.put(packet, at)

    def report(self, elements: list[Element], source: Address, at: float) -> None:
        """Take what the senders at an address say of their streams."""
        with self._changed:
            for (address, _), heard in self._heard.items():
                if address == source:
                    for element in elements:
                        heard.stream.hear(element, at)

    def refuse(self, source: Address, why: str) -> None:
        """Count a datagram that is not taken."""
        with self._changed:
            self._refused += 1
            self._last_refusal = f"the last from {source[0]}: {why}"
            self._wake()

    def close(self) -> None:
        """End all streams and the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident:
            self._thread.join()
        for key in list(self._heard):
            self._end(key, time.monotonic())
        if self._refused:
            self._tell_refused()

    def _wake(self) -> None:
        if not self._thread.ident:
            self._thread.start()
        self._changed.notify()

    def _begin(
        self, packet: Packet, source: Address, label: str | None, at: float, send: Send
    ) -> None:
        if self._closed or (source, packet.ssrc) in self._gone:
            raise PacketError("the stream is over")
        if label is None:
            raise PacketError("it is no client's address")
        theirs = sum(address == source for address, _ in self._heard)
        if len(self._heard) >= MAX_STREAMS or theirs >= MAX_STREAMS_EACH:
            raise PacketError("too many streams are being received already")
        stream = Incoming(packet, source, at)
        began = time.strftime("%Y%m%d-%H%M%S", time.localtime())
        name = f"{began}-{label.replace(' ', '-')}-{packet.ssrc:08x}.wav"
        recording = self._recordings.begin(name)
        reporter = self._host.number()
        self._heard[source, packet.ssrc] = _Heard(stream, label, send, recording, reporter)
        self._tell(f"from {label} begins.")
        self._wake()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for key in list(self._heard):
                    self._tend(key, now)
                if self._refused and now >= self._next_told:
                    self._next_told = now + REFUSALS_TOLD
                    self._tell_refused()
                self._changed.wait(_TICK if self._heard or self._refused else None)

    def _tend(self, key: tuple[Address, int], now: float) -> None:
        heard = self._heard[key]
        if heard.stream.is_over(now):
            self._end(key, now)
            return
        heard.recording.write(heard.stream.take(now))
        if heard.stream.is_call and not heard.is_answered:
            heard.is_answered = True
            self._called(heard.stream, heard.label, heard.send)
        if now >= heard.next_report:
            heard.next_report += REPORT_INTERVAL
            self._report(heard, now, last=False)

    def _end(self, key: tuple[Address, int], now: float) -> None:
        heard = self._heard.pop(key)
        stream = heard.stream
        if stream.left:
            self._gone.append(key)
        heard.recording.write(stream.finish())
        heard.recording.close()
        self._report(heard, now, last=True)
        figures = stream.figures
        self._tell(
            f"from {heard.label} ended: {stream.seconds:.1f} s, {figures.expected} packets, "
            f"lost {figures.lost}, late {figures.late}, jitter {figures.jitter:.1f} ms"
            f"{heard.recording.outcome}."
        )
        self._ended(stream)

    def _report(self, heard: _Heard, now: float, *, last: bool) -> None:
        stream = heard.stream
        self._host.trace(trace(stream, ended=last))
        report = stream.report(heard.reporter, self._cname, now, last=last)
        try:
            heard.send(format_compound(report), stream.source)
        except OSError:
            # A report may be lost anyway; the next one says more.
            return

    def _tell_refused(self) -> None:
        count = f"{self._refused} datagram{'s' if self._refused > 1 else ''}"
        self._tell(f"refused: {count}, {self._last_refusal}.")
        self._refused = 0

    def _tell(self, what: str) -> None:
        self._host.show(f"{moment(time.time())} Audio {what}")


def trace(stream: Incoming, *, ended: bool) -> str:
    """Return what the trace line of a stream says."""
    ip, port = stream.source
    figures = stream.figures
    return (
        f"media from={ip}:{port} ssrc={stream.ssrc:08x} expected={figures.expected} "
        f"received={figures.received} lost={figures.lost} late={figures.late} "
        f"concealed={figures.concealed} jitter-ms={figures.jitter:.2f} "
        f"state={'ended' if ended else 'playing'}"
    )
