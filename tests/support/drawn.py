"""A drawing read as a browser does: its elements, texts, and what a reader sees who points at a part."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from bench.report.html.model import Figure

_LENGTHS = ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height")


class Drawing:
    """The body of a figure. Every length and path of it is made of finite numbers, or it does not come to be."""

    def __init__(self, figure: Figure | None) -> None:
        assert figure is not None
        self.root = ET.fromstring(f"<div>{figure.body}</div>")
        for element in self.root.iter():
            for name in _LENGTHS:
                if name in element.attrib:
                    assert re.fullmatch(r"-?\d+(\.\d+)?%?", element.attrib[name]), (element.tag, element.attrib)
            if "d" in element.attrib:
                assert re.fullmatch(r"[MLlhvVzZ\d .-]+", element.attrib["d"]), element.attrib

    def all(self, tag: str, *classes: str) -> list[ET.Element]:
        """Elements of a kind that have all these classes."""
        return [one for one in self.root.iter(tag) if set(classes) <= set(one.get("class", "").split())]

    def texts(self) -> list[str]:
        """Every text that is drawn, those of panels and lines too."""
        found = [one.text or "" for tag in ("text", "p") for one in self.root.iter(tag)]
        return found + ["\n".join(one.itertext()) for one in self.root.iter("span")]

    def titles(self, tag: str, *classes: str) -> list[str]:
        """What is told of each such element to a reader who points at it."""
        return [said for one in self.all(tag, *classes) if (said := one.findtext("title"))]


def percent(element: ET.Element, name: str) -> float:
    """A place along a drawing, from 0 to 100."""
    return float(element.attrib[name].removesuffix("%"))
