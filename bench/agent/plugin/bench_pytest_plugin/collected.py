"""Which tests pytest collected, which of them it then left out, and which run more than once by design."""

from __future__ import annotations

from typing import Any

from .guard import Guard
from .hook import hook
from .reports import node_id
from .writer import Writer

MAX_NODES = 20_000
MAX_CHARACTERS = 2 * 1024 * 1024
"""Of all ids that are told; beyond that the number is known and the ids are not."""
NODES_A_LINE = 500
MAX_DESELECTED = 1000
REPEATING = ("__pytest_repeat_step_number", "__flakefinder_")
"""Begin the names of the parameters by which pytest-repeat and pytest-flakefinder run a test again and again."""
TELLS = "bench_deselected"


class Collected:
    """The hooks. A worker of pytest-xdist hands on what only it knows; one of them tells what repeats."""

    def __init__(self, guard: Guard, writer: Writer, is_worker: bool, is_first: bool) -> None:
        self._guard = guard
        self._writer = writer
        self._is_worker = is_worker
        self._tells_repeating = is_first or not is_worker
        self._told = False
        self._deselected: dict[str, None] = {}

    @hook(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> Any:
        """Deselected is what is gone afterwards, whether the plugin that took it out says so or not."""
        before = list(items)
        yield
        with self._guard:
            kept = set(map(id, items))
            self._deselected |= {node_id(item.nodeid): None for item in before if id(item) not in kept}
            self._tell_repeating(items)

    def pytest_deselected(self, items: Any) -> None:
        """Also those that were taken out at another moment."""
        with self._guard:
            self._deselected |= {node_id(item.nodeid): None for item in items}

    @hook(trylast=True)
    def pytest_collection_finish(self, session: Any) -> None:
        """How many tests there will be, and which."""
        if not self._is_worker:
            with self._guard:
                self._tell([item.nodeid for item in session.items])
                self._tell_deselected(list(self._deselected))

    @hook(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Any) -> None:
        """The controller of pytest-xdist collects nothing itself; all its workers collect the same."""
        if not self._told:
            with self._guard:
                self._told = True
                self._tell(list(ids))

    @hook(tryfirst=True)
    def pytest_sessionfinish(self, session: Any) -> None:
        """A worker's only way of telling its controller."""
        if self._is_worker:
            with self._guard:
                output = getattr(session.config, "workeroutput", None)
                if type(output) is dict:
                    output[TELLS] = [len(self._deselected), list(self._deselected)[:MAX_DESELECTED]]

    @hook(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker of pytest-xdist has ended."""
        with self._guard:
            told = (getattr(node, "workeroutput", None) or {}).pop(TELLS, None)
            if told and not self._deselected:
                self._deselected = dict.fromkeys(told[1])
                self._tell_deselected(told[1], told[0])

    def _tell(self, nodes: list[str]) -> None:
        self._writer.put("collected", tests=len(nodes))
        known = [node_id(node) for node in nodes[:MAX_NODES]]
        characters = 0
        for at in range(0, len(known), NODES_A_LINE):
            line = known[at : at + NODES_A_LINE]
            characters += sum(map(len, line))
            if characters > MAX_CHARACTERS:
                return
            self._writer.put_if_room("nodes", nodes=line)

    def _tell_deselected(self, nodes: list[str], count: int | None = None) -> None:
        if nodes:
            told = nodes[:MAX_DESELECTED]
            self._writer.put_if_room("deselected", tests=len(nodes) if count is None else count, nodes=told)

    def _tell_repeating(self, items: list[Any]) -> None:
        if not self._tells_repeating:
            return
        found: dict[str, int] = {}
        for item in items:
            parameters = getattr(getattr(item, "callspec", None), "params", None) or {}
            if any(type(name) is str and name.startswith(REPEATING) for name in parameters):
                name = node_id(item.nodeid).partition("[")[0]
                found[name] = found.get(name, 0) + 1
        repeated = {name: times for name, times in found.items() if times > 1}
        if repeated:
            named = ", ".join(f"{name} ({times} times)" for name, times in list(repeated.items())[:5])
            more = f" and {len(repeated) - 5} more" if len(repeated) > 5 else ""
            message = f"the project runs tests again and again, and the run's time holds all of it: {named}{more}"
            self._writer.put("warning", code="tests_repeated", message=message, value=len(repeated), unit="tests")
