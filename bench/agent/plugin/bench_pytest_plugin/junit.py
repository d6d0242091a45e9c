"""Keeps pytest's JUnit report writable: a run asks for one; without it pytest would not meet these names.

pytest escapes what tests print, but takes names of properties and attributes, paths and ``str(value)`` as they are. A
lone surrogate then ends pytest with an internal error when it writes the report, and so does a value whose text cannot
be had. Only what goes into the report is changed.
"""

from __future__ import annotations

import re
from typing import Any

from .guard import Guard
from .hook import hook
from .plain import is_text, pair_of, type_name
from .writer import Writer

_NO_NAME = re.compile(r"[^\w.-]", re.ASCII)
_NO_TEXT = re.compile("[^\t\n\r\x20-\x7e\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JUnit:
    """Cleans what a test hands to pytest's report, as each test ends, and at the end what is left."""

    def __init__(self, guard: Guard, writer: Writer) -> None:
        self._guard = guard
        self._writer = writer
        self._report: Any = None
        self._finalize: Any = None
        self._changed = 0

    @hook(trylast=True)
    def pytest_sessionstart(self, session: Any) -> None:
        """By now pytest's own plugin is there, if it was asked for."""
        with self._guard:
            for plugin in session.config.pluginmanager.get_plugins():
                if type(plugin).__name__ == "LogXML" and type(plugin).__module__ == "_pytest.junitxml":
                    self._report, self._finalize = plugin, plugin.finalize
                    plugin.finalize = self._finalize_clean

    @hook(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Before the report is written."""
        with self._guard:
            if self._report is not None:
                self._clean_open()
                properties = self._report.global_properties
                properties[:] = [(self._text(name), value) for name, value in properties]
        with self._guard:
            if self._changed:
                message = f"{self._changed} name(s) or value(s) that no XML can hold stand escaped in the JUnit report"
                self._writer.put("warning", code="junit_escaped", message=message, value=self._changed, unit=None)

    def _finalize_clean(self, report: Any) -> None:
        """In place of the plugin's method that makes a test's entry of all that was said."""
        given = getattr(report, "user_properties", None)
        with self._guard:
            self._clean_open()
        with self._guard:
            if type(given) is list:
                report.user_properties = self._pairs(given)
        try:
            self._finalize(report)
        finally:
            if type(given) is list:
                report.user_properties = given

    def _pairs(self, given: list[Any]) -> list[tuple[str, object]]:
        """Names and values; without a report nobody looks into what is appended, so that it may be no pair."""
        found = []
        for each in given:
            pair = pair_of(each)
            if pair is None:
                self._changed += 1
            else:
                found.append((self._text(pair[0]), self._value(pair[1])))
        return found

    def _clean_open(self) -> None:
        """Of the tests that have begun and not ended."""
        for entry in self._report.node_reporters.values():
            entry.attrs = {self._name(name): self._text(value) for name, value in entry.attrs.items()}
            entry.properties = [(self._text(name), value) for name, value in entry.properties]

    def _value(self, value: object) -> object:
        return value if type(value) is str else self._whole(value)  # which pytest escapes

    def _whole(self, value: object) -> str:
        """The value's text; of what is text already its own, whatever its class makes of it."""
        if is_text(value):
            return str.__str__(value)
        try:
            return str(value)
        except (Exception, SystemExit) as error:
            self._changed += 1
            return f"(no text of it: {type_name(error)})"

    def _text(self, value: object) -> str:
        whole = self._whole(value)
        if whole.isprintable():
            return whole
        return self._counted(whole, _NO_TEXT.sub(lambda match: f"#x{ord(match[0]):02X}", whole))

    def _name(self, value: object) -> str:
        """A name of an attribute, which has fewer letters."""
        whole = self._whole(value)
        if whole.isidentifier() and whole.isascii():
            return whole
        found = _NO_NAME.sub("_", whole)
        return self._counted(whole, found if found[:1].isalpha() else f"_{found}")

    def _counted(self, whole: str, clean: str) -> str:
        self._changed += clean != whole
        return clean
