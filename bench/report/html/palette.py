"""Colours of the figures: told apart by colour-blind readers, at least 3:1 on the light and the dark page (pure)."""

from __future__ import annotations

# Each has a contrast of 3 or more against #ffffff and against #15181d (WCAG 2.2, 1.4.11), so that a figure need not be
# drawn again when the theme changes. Order: neighbours in a stack differ in lightness as well as in hue.
BLUE = "#3a7fd5"
ORANGE = "#c9701a"
TEAL = "#17897a"
PURPLE = "#9a68c4"
RED = "#d64550"
OLIVE = "#85801f"
PINK = "#c45f9d"
GREY = "#808892"
BROWN = "#a0714f"


def faint(colour: str, alpha: float) -> str:
    """``#rrggbb`` as an ``rgba`` with that opacity."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


TERMS = {
    "user": BLUE,
    "system": ORANGE,
    "throttled": RED,
    "cpu_wait": PINK,
    "memory_pressure": PURPLE,
    "io_pressure": OLIVE,
    "steal": BROWN,
    "rest": GREY,
}
"""What wall time is spent on: the same colour in every figure."""
