"""Keeps every limit of pytest's plugins from cutting below the supervisor's deadline, in workers too."""

from __future__ import annotations

import faulthandler
from typing import Any

from .guard import Guard
from .hook import api, hook
from .plain import LeftOut, number
from .reports import node_id
from .traces import LOG_FD
from .writer import Writer

NO_TIMEOUT = 0
"""What pytest-timeout takes for "none"."""
FAULTHANDLER_S, FAULTHANDLER_EXIT = "faulthandler_timeout", "faulthandler_exit_on_timeout"


class Deadline:
    """The hooks. ``asked`` is what tests' markers ask for, in seconds. A worker of pytest-xdist, whose controller tells
    what is lifted, tells with ``tells_markers`` what its tests' markers ask for: the controller does not see them.
    """

    def __init__(self, guard: Guard, writer: Writer, is_worker: bool, tells_markers: bool) -> None:
        self.asked: dict[str, float] = {}
        self._guard = guard
        self._writer = writer
        self._is_worker = is_worker
        self._tells_markers = tells_markers
        self._exits_after_s = 0.0

    @hook(tryfirst=True)
    def pytest_sessionstart(self, session: Any) -> None:
        """Limits that the configuration sets."""
        with self._guard:
            self._lift_pytest_timeout(session.config)
        with self._guard:
            self._lift_faulthandler(session.config)

    @hook(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> Any:
        """Put a marker that means "no timeout" in front of each test's own: a marker beats option, ini and
        environment alike.
        """
        yield
        with self._guard:
            for item in items:
                self._read_marker(item)
                if timeout_plugin(item.config) is not None:
                    item.add_marker(api.mark.timeout(NO_TIMEOUT), append=False)

    @hook(tryfirst=True, optionalhook=True)
    def pytest_timeout_set_timer(self, item: Any, settings: Any) -> bool:
        """pytest-timeout is about to start its clock, for a marker that came later: leave it."""
        with self._guard:
            node, asked = node_id(item.nodeid), number(settings.timeout)
            if node not in self.asked:
                self.asked[node] = asked
                if self._is_worker:
                    self._writer.put("asked", node=node, timeout_s=asked)
        return True

    @hook(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Pytest has started faulthandler's clock around this test: it may tell where the test is, not end pytest."""
        if self._exits_after_s:
            with self._guard:
                faulthandler.dump_traceback_later(self._exits_after_s, file=LOG_FD, exit=False)

    def _read_marker(self, item: Any) -> None:
        marker = item.get_closest_marker("timeout")
        if marker is None:
            return
        value = marker.args[0] if marker.args else marker.kwargs.get("timeout")
        node = node_id(item.nodeid)
        try:
            asked = number(float(value) if type(value) is str else value)
        except (LeftOut, ValueError) as error:
            if value is not None and (self._tells_markers or not self._is_worker):
                why = str(error) if isinstance(error, LeftOut) else "is no number"
                self._writer.put("asked", node=node, timeout_s=None, why=f"what its timeout marker asks for {why}")
            return
        self.asked[node] = asked
        if self._tells_markers:
            self._writer.put_if_room("asked", node=node, timeout_s=asked)

    def _lift_pytest_timeout(self, config: Any) -> None:
        """pytest-timeout's limit on the whole session is no marker's business, so it is taken back where it is kept."""
        plugin = timeout_plugin(config)
        if plugin is None:
            return
        asked = getattr(config, "_env_timeout", None)
        if asked:
            self._warn(f"the project's timeout of {asked:g} s a test is not applied", asked)
        expiry, limit = getattr(plugin, "SESSION_EXPIRE_KEY", None), getattr(plugin, "SESSION_TIMEOUT_KEY", None)
        if expiry is not None and limit is not None and config.stash.get(expiry, 0):
            asked = config.stash.get(limit, None)
            config.stash[expiry] = 0
            self._warn(f"the project's timeout of {asked} s for the session is not applied", asked)

    def _lift_faulthandler(self, config: Any) -> None:
        try:
            asked, exits = float(config.getini(FAULTHANDLER_S) or 0), config.getini(FAULTHANDLER_EXIT)
        except (ValueError, KeyError, TypeError):
            return  # a pytest that has no such setting
        if asked > 0 and exits is True and config.pluginmanager.get_plugin("faulthandler") is not None:
            self._exits_after_s = asked
            self._warn(f"the project's faulthandler_timeout of {asked:g} s, which ends pytest, is not applied", asked)

    def _warn(self, message: str, asked: object) -> None:
        if self._is_worker:
            return
        try:
            value: float | None = number(asked)
        except LeftOut:
            value = None
        self._writer.put("warning", code="timeout_overridden", message=message, value=value, unit="s")


def timeout_plugin(config: Any) -> Any:
    """pytest-timeout, or ``None`` where it is not used."""
    manager = config.pluginmanager
    return manager.get_plugin("timeout") or manager.get_plugin("pytest_timeout")
