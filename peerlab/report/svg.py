"""Elements of SVG, as text. What programs printed is escaped twice: as output, and for markup."""

from collections.abc import Iterable
from html import escape as for_markup
from typing import Final

from peerlab.report.escape import escape_line

CHARACTER: Final = 6.6
"""How wide a character of a label is, in pixels; about, since fonts differ."""


def element(name: str, *content: str, **attributes: str | float | None) -> str:
    """An element; its content is markup already. `_` in an attribute's name stands for `-`."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{told}>{''.join(content)}</{name}>" if content else f"<{name}{told}/>"


def _value(value: str | float) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else for_markup(str(value))


def label(x: float, y: float, text: str, kind: str, anchor: str | None = None) -> str:
    """A line of text, from anywhere."""
    return element("text", plain(text), x=float(x), y=float(y), class_=kind, text_anchor=anchor)


def hint(text: str) -> str:
    """What is shown where the pointer rests."""
    return element("title", plain(text) or "-")


def plain(text: str) -> str:
    """Text from anywhere, as content of an element."""
    return for_markup(escape_line(text))


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line."""
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=kind)


def box(x: float, y: float, width: float, height: float, kind: str) -> str:
    """A rectangle."""
    return element(
        "rect", x=float(x), y=float(y), width=float(width), height=float(height), class_=kind
    )


def drawing(
    width: float, height: float, parts: Iterable[str], *, title: str, kind: str, about: str = ""
) -> str:
    """A drawing of that size in pixels, with a title and a description for those who see none.

    Without a title it says nothing that is not said elsewhere, and screen readers skip it.
    """
    told = [element("title", plain(title))] if title else []
    if about:
        told.append(element("desc", plain(about)))
    return element(
        "svg",
        *told,
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        class_=kind,
        width=float(width),
        height=float(height),
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        role="img" if title else None,
        aria_hidden=None if title else "true",
    )


def shortened(text: str, most: int) -> str:
    """The beginning of a text, on one line, for a label."""
    if len(text) > 4 * most:
        text = text[: 4 * most]
    shown = escape_line(text.strip())
    return shown if len(shown) <= most else shown[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
