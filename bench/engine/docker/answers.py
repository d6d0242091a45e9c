"""What an engine answers, within bounds of time, size and form. It may be slow, without end, or no Docker at all.

The client's own time limit holds for each piece of an answer, so that a peer that sends a byte now and then holds it up
for ever, and its answers are read whole, however long they are.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import docker
from docker.errors import DockerException
from docker.transport import UnixHTTPAdapter
from requests import PreparedRequest, Response
from requests.exceptions import ReadTimeout
from urllib3.exceptions import HTTPError

from bench.engine.reach.unix import ClosingAdapter

ANSWER_S = 40.0
"""For a question that changes nothing, and for what an engine does at once; else the client's own limit, as a whole."""
MUTE_S = 5.0
"""For each further call to an engine that left one without an answer, until it gives one: a run makes several."""
UPLOAD_S = 3600.0
MAX_ANSWER_BYTES = 32 * 1024**2
_PIECE = 65536
_AT_ONCE = re.compile(r"/(?:containers|volumes)/(?:create|[^/?]+(?:/(?:start|kill))?)(?:\?|$)")

_T = TypeVar("_T")


class BoundedApi(docker.APIClient):
    """The client with bounds on each answer that it reads whole, and on the beginning of those that it follows.

    Of the environment it takes nothing by itself: neither proxies nor what a ``.netrc`` holds. ``proxies`` are given.
    No connection is left to the collector.
    """

    def __init__(self, *, proxies: Mapping[str, str] | None = None, **arguments: Any) -> None:
        self._through = dict(proxies or {})
        self._mute = False
        try:
            super().__init__(**arguments)
        except BaseException:
            self.close()
            raise

    def mount(self, prefix: str | bytes, adapter: Any) -> None:
        """Register what sends requests, as a session of ``requests`` does."""
        super().mount(prefix, ClosingAdapter.like(adapter) if isinstance(adapter, UnixHTTPAdapter) else adapter)

    @property
    def trust_env(self) -> bool:
        """Never; ``requests`` would look for proxies and passwords otherwise, also while it is being made."""
        return False

    @trust_env.setter
    def trust_env(self, _: bool) -> None:
        """What ``requests`` presumes counts for nothing."""

    def send(self, request: PreparedRequest, **options: Any) -> Response:
        """Send a request as a session of ``requests`` does.

        Raises:
            ReadTimeout: the answer did not come in time.
            DockerException: it is larger than any.
        """
        stream = options.pop("stream", False)
        options["proxies"] = self._through

        def ask() -> Response:
            response = super(BoundedApi, self).send(request, stream=True, **options)
            if not stream:
                response.raw = io.BytesIO(_whole(response))
            return response

        patience = _patience(request, options.get("timeout"), stream=stream)
        try:
            response = in_time(ask, min(patience, MUTE_S) if self._mute and patience < UPLOAD_S else patience)
        except ReadTimeout:
            self._mute = True
            raise
        self._mute = False
        return response

    def _check_is_tty(self, _container: str) -> bool:
        """Never; no container of ours has one. Asking could fail when the answer has already begun."""
        return False


def hang_up(stream: Any) -> None:
    """Close what a container prints, and the answer under it, which the stream's own ``close`` leaves open."""
    try:
        stream.close()
    finally:
        stream._response.close()


class BoundedClient(docker.DockerClient):
    """A client of Docker's whose answers have bounds."""

    def __init__(self, **arguments: Any) -> None:
        self.api = BoundedApi(**arguments)


def _patience(request: PreparedRequest, timeout: object, *, stream: bool) -> float:
    limit = float(timeout) if isinstance(timeout, int | float) else ANSWER_S
    if hasattr(request.body, "read") or hasattr(request.body, "__next__"):
        return max(limit, UPLOAD_S)
    at_once = request.method == "GET" or _AT_ONCE.search(request.url or "") is not None
    return min(limit, ANSWER_S) if at_once and not stream else limit


def _whole(response: Response) -> bytes:
    found = bytearray()
    try:
        for piece in response.raw.stream(_PIECE, decode_content=True):
            found += piece
            if len(found) > MAX_ANSWER_BYTES:
                response.close()
                raise DockerException(f"its answer is larger than any ({MAX_ANSWER_BYTES} bytes)")
    except HTTPError as error:
        raise DockerException(f"its answer broke off ({error})"[:300]) from error
    return bytes(found)


def in_time(call: Callable[[], _T], limit_s: float) -> _T:
    """Make a call in a thread of its own, which is left behind if it does not come back; it closes what comes then.

    Raises:
        ReadTimeout: it does not within ``limit_s`` seconds.
        Exception: what the call raised.
    """
    found: list[_T] = []
    failed: list[BaseException] = []
    awaited = threading.Lock()  # held by whoever settles whether the answer came in time
    late = False

    def work() -> None:
        try:
            answer = call()
        except BaseException as error:  # carried over to the caller
            failed.append(error)
            return
        with awaited:
            if not late:
                found.append(answer)
                return
        getattr(answer, "close", int)()

    thread = threading.Thread(target=work, name="bench-call", daemon=True)
    thread.start()
    thread.join(limit_s)
    with awaited:
        late = not found
    if failed:
        raise failed.pop()  # kept in a local name it would hold itself, and all that its trace holds
    if not found:
        raise ReadTimeout(f"timed out after {limit_s:g} s")
    return found[0]


@contextmanager
def understood() -> Iterator[None]:
    """Take an answer apart: what is not as the API has it is the engine's failure, and none of ours.

    Raises:
        DockerException: it is not.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise DockerException(f"its answer cannot be understood ({type(error).__name__}: {error})"[:300]) from error


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "NCPU": int,
    "MemTotal": int,
    "CgroupVersion": (str, int),
    "SecurityOptions": list,
    "Runtimes": dict,
    "CDISpecDirs": list,
    "DiscoveredDevices": list,
    "Components": list,
    **dict.fromkeys(("MemoryLimit", "SwapLimit", "CpuCfsQuota", "CPUSet", "PidsLimit"), bool),
    **dict.fromkeys(
        (
            "ID",
            "Name",
            "ServerVersion",
            "CgroupDriver",
            "Driver",
            "DefaultRuntime",
            "OperatingSystem",
            "KernelVersion",
            "Architecture",
            "ApiVersion",
            "Version",
        ),
        str,
    ),
}
_MEMBERS: Mapping[str, type] = {"SecurityOptions": str, "Components": dict, "DiscoveredDevices": dict}


def facts(answer: object) -> dict[str, Any]:
    """What an engine reports of itself (``/info``, ``/version``), without what is not of the type that the API has.

    Raises:
        DockerException: it is no object.
    """
    if not isinstance(answer, dict):
        raise DockerException(
            f"it answers with {'nothing' if answer is None else 'something else'} when asked what it is"
        )
    return {name: value for name, value in answer.items() if isinstance(name, str) and _fits(name, value)}


def _fits(name: str, value: object) -> bool:
    wanted = _TYPES.get(name)
    if wanted is None:
        return True
    if not isinstance(value, wanted) or (wanted is int and (isinstance(value, bool) or not 0 <= value < 2**63)):  # type: ignore[operator]
        return False
    member = _MEMBERS.get(name)
    return member is None or all(isinstance(one, member) for one in value)  # type: ignore[attr-defined]
