"""What a test says of itself through ``record_property``: numbers become metrics, the rest facts."""

from __future__ import annotations

import json
from typing import Any

from .plain import LeftOut, NoNumber, OutOfRange, is_object, is_text, number, pair_of, plain, text

NAME_CHARACTERS = 200
UNIT_CHARACTERS = 100
FACT_CHARACTERS = 16_384
"""What one fact may take as JSON; a larger one is left out, and a warning says so."""
ALL_CHARACTERS = 256 * 1024
"""What all facts of a test together may take."""
MAX_PROPERTIES = 2000
"""Looked at of one test."""
MAX_REASONS = 20
"""Told of one test."""
METRIC, FACT = "metric:", "fact:"


class Properties:
    """The metrics and facts of one test. ``missing`` says by name why a metric has no value; ``left_out`` names, each
    with its reason, what is not kept at all: pairs of a warning's code and its message.
    """

    def __init__(self, node: str, properties: object, repeated: bool = False) -> None:
        self.metrics: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, Any] = {}
        self.missing: dict[str, str] = {}
        self.left_out: list[tuple[str, str]] = []
        self._node = node
        self._characters = ALL_CHARACTERS
        # A test that is tried again records its properties again.
        self._seen: dict[str, int] | None = None if repeated else {}
        pairs = list(properties) if type(properties) in (list, tuple) else []  # type: ignore[call-overload]
        for at, pair in enumerate(pairs):
            if at >= MAX_PROPERTIES:
                message = f"{len(pairs) - at} more properties of {node} were left out"
                self.left_out.append(("property_left_out", message))
                break
            two = pair_of(pair)
            if two is None:
                self._tell("property_left_out", f"a property of {node} was left out: it is no name with a value")
                continue
            try:
                self._take(*two)
            except (ValueError, TypeError, RuntimeError, RecursionError, MemoryError) as error:
                self._tell("property_left_out", f"a property of {node} was left out: {type(error).__name__}")
        self._tell_repeated()

    def _take(self, name: object, raw: object) -> None:
        try:
            named = text(name, NAME_CHARACTERS + len(METRIC))
        except LeftOut as error:
            self._tell("property_left_out", f"a property of {self._node} was left out: its name {error}")
            return
        if named.startswith(FACT):
            self._fact(named[len(FACT) :], raw)
        elif named.startswith(METRIC):
            self._metric(named[len(METRIC) :], _loaded(raw))
        elif ":" not in named and not is_text(raw) and type(raw) is not bool:
            self._bare(named, raw)

    def _bare(self, name: str, raw: object) -> None:
        """A number under a plain name, as projects record them that never heard of us. What is none stays theirs."""
        try:
            number(raw)
        except NoNumber:
            return
        except OutOfRange:
            pass  # a metric without a value, and the reason
        except LeftOut as error:
            self._tell("property_left_out", f"the property {name!r} of {self._node} {error}, and was left out")
            return
        self._metric(name, raw)

    def _metric(self, name: str, value: object) -> None:
        self._count(name)
        given: dict[Any, Any] = dict(dict.items(value)) if is_object(value) else {"value": value}  # type: ignore[arg-type]
        found = None
        try:
            found = number(given.get("value"))
            self.missing.pop(name, None)
        except LeftOut as error:
            self.missing[name] = f"what the test recorded {error}"
            self._tell("metric_left_out", f"the metric {name!r} of {self._node} has no value: it {error}")
        unit, better = _word(given.get("unit", "")), _word(given.get("better", "none"))
        self.metrics[name] = {"value": found, "unit": unit, "better": better}

    def _fact(self, name: str, raw: object) -> None:
        self._count(FACT + name)
        where = f"the fact {name!r} of {self._node}"
        if len(name) > NAME_CHARACTERS or (is_text(raw) and str.__len__(raw) > 4 * FACT_CHARACTERS):  # type: ignore[arg-type]
            self._tell("fact_left_out", f"{where} is larger than {FACT_CHARACTERS} characters and was left out")
            return
        try:
            value = _kept(raw)
        except LeftOut as error:
            large = str(error) == "is too large"
            reason = f"is larger than {FACT_CHARACTERS} characters" if large else str(error)
            self._tell("fact_left_out", f"{where} {reason} and was left out")
            return
        size = len(name) + len(json.dumps(value))
        if size > FACT_CHARACTERS + NAME_CHARACTERS or size > self._characters:
            bound = FACT_CHARACTERS if size <= self._characters else ALL_CHARACTERS
            self._tell("fact_left_out", f"{where} is larger than {bound} characters and was left out")
            return
        self._characters -= size
        self.facts[name] = value

    def _count(self, name: str) -> None:
        if self._seen is not None:
            self._seen[name] = self._seen.get(name, 0) + 1

    def _tell_repeated(self) -> None:
        for name, times in (self._seen or {}).items():
            if times > 1:
                message = f"{self._node} records the property {name!r} {times} times: the last one is kept"
                self._tell("property_repeated", message)

    def _tell(self, code: str, message: str) -> None:
        if len(self.left_out) < MAX_REASONS:
            self.left_out.append((code, message))


def _loaded(raw: object) -> object:
    """What JSON text holds; text that is none holds no number."""
    if not is_text(raw):
        return raw
    try:
        return json.loads(text(raw, FACT_CHARACTERS))
    except (ValueError, RecursionError):
        return raw


def _kept(raw: object) -> Any:
    """A fact's value; text that holds JSON is that JSON, and stays text where JSON cannot be kept. Raises LeftOut."""
    if not is_text(raw):
        return plain(raw, FACT_CHARACTERS)
    whole = plain(raw, 6 * FACT_CHARACTERS)
    try:
        value = json.loads(whole)
    except ValueError:
        return plain(raw, FACT_CHARACTERS)
    except RecursionError:
        raise LeftOut("is nested too deeply") from None
    if type(value) is float or type(value) is int:  # "NaN", and digits without end
        try:
            return plain(value, FACT_CHARACTERS)
        except LeftOut:
            return plain(raw, FACT_CHARACTERS)
    return plain(value, FACT_CHARACTERS)


def _word(value: object) -> str:
    try:
        return text(value, UNIT_CHARACTERS)
    except LeftOut:
        return ""
