"""What is in a drawing."""

from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing: str | None) -> list[str]:
    """Its labels."""
    assert drawing is not None
    return [element.text or "" for element in ET.fromstring(drawing).iter(f"{SVG}text")]


def drawn(drawing: str | None, kind: str) -> list[ET.Element]:
    """Its elements of a class."""
    assert drawing is not None
    every = ET.fromstring(drawing).iter()
    return [element for element in every if element.get("class") == kind]
