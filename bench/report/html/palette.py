"""Colours of the drawings, as classes that the style sheet has for the light and the dark page (pure)."""

from __future__ import annotations

# Each has a contrast of 3 or more against its page (WCAG 2.2, 1.4.11), and black text inside a bar one of 4.5.
# Order: neighbours in a stack differ in lightness as well as in hue.
BLUE = "blue"
ORANGE = "orange"
TEAL = "teal"
PURPLE = "purple"
RED = "red"
OLIVE = "olive"
PINK = "pink"
GREY = "grey"
BROWN = "brown"

COLOURS = (BLUE, ORANGE, TEAL, PURPLE, RED, OLIVE, PINK, GREY, BROWN)
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
