"""Draws the jitter and the loss of streams over the time of a run, and a key to both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from peerlab.report.axes import Axes
from peerlab.report.streams import MOST_STREAMS, Point, Stream
from peerlab.report.svg import drawing, element, hint, shortened

_LOOKS: Final = (
    ("M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0z", None),
    ("M0 -5l5 5l-5 5l-5 -5z", "7 3"),
    ("M-3.5 -3.5h7v7h-7z", "2 3"),
    ("M0 -4.5l5 8.5h-10z", "10 3 2 3"),
    ("M0 4.5l5 -8.5h-10z", "4 4"),
    ("M-4 -4l8 8m0 -8l-8 8", "12 4"),
)
"""For each stream its marker, as a path around its point, and the dashes of its line: nobody needs
to tell colours apart."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Both drawings, and the streams in them, each with the key to its line."""

    jitter: str
    loss: str
    streams: Sequence[tuple[str, Stream]]
    left_out: int


def draw_streams(streams: Sequence[Stream], seconds: float) -> Curves | None:
    """Draw the first of the streams, in a run of so many seconds; None where there is none."""
    if not streams:
        return None
    shown = streams[:MOST_STREAMS]
    return Curves(
        _draw(shown, seconds, "Jitter of streams", "ms", lambda point: point.told.jitter),
        _draw(shown, seconds, "Loss of streams", "%", lambda point: point.share),
        [(_key(number), stream) for number, stream in enumerate(shown)],
        len(streams) - len(shown),
    )


def _draw(
    streams: Sequence[Stream],
    seconds: float,
    title: str,
    unit: str,
    value_of: Callable[[Point], float | None],
) -> str:
    values = [
        [
            (point.told.at, value)
            for point in stream.points
            if (value := value_of(point)) is not None
        ]
        for stream in streams
    ]
    most = max((value for told in values for _, value in told), default=0.0)
    axes = Axes.up_to(seconds, max(most, 1.0))
    parts = []
    for number, (stream, told) in enumerate(zip(streams, values, strict=True)):
        parts += _curve(axes, number, told, _named(stream), unit)
    what = title.partition(" ")[0].lower()
    return axes.drawing(
        parts,
        unit=f"{what}, in {unit}",
        title=title,
        about=f"{len(streams)} streams; the highest {what} is {most:.3g} {unit}.",
    )


def _curve(
    axes: Axes, number: int, told: Sequence[tuple[float, float]], name: str, unit: str
) -> list[str]:
    marker, dashes = _LOOKS[number]
    places = [(axes.x(at), axes.y(value)) for at, value in told]
    way = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    parts = []
    if len(places) > 1:
        kind = f"curve s{number}"
        parts.append(element("path", d=f"M{way}", class_=kind, stroke_dasharray=dashes))
    for (x, y), (at, value) in zip(places, told, strict=True):
        shown = hint(f"{name}: {value:.3g} {unit}, at {at:.3f} s")
        where = f"translate({x:.1f} {y:.1f})"
        parts.append(element("path", shown, d=marker, transform=where, class_=f"sample s{number}"))
    return parts


def _key(number: int) -> str:
    """How a stream looks in the plots; the table beside it says which it is."""
    marker, dashes = _LOOKS[number]
    parts = [
        element("path", d="M2 8H38", class_=f"curve s{number}", stroke_dasharray=dashes),
        element("path", d=marker, transform="translate(20 8)", class_=f"sample s{number}"),
    ]
    return drawing(40, 16, parts, title="", kind="key")


def _named(stream: Stream) -> str:
    source, target = (shortened(name, 20) for name in (stream.source, stream.target))
    return f"{source} \N{RIGHTWARDS ARROW} {target} ({shortened(stream.name, 12)})"
