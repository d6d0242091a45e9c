"""An engine's Unix socket; one that could not be connected is closed; the SDK leaves it to the collector."""

from __future__ import annotations

import socket
from typing import Any, cast

from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(self.timeout)
            line.connect(self.unix_socket)
        except BaseException:
            line.close()
            raise
        self.sock = line


class _Pool(UnixHTTPConnectionPool):
    def _new_conn(self) -> Any:
        return _Connection(self.base_url, self.socket_path, cast("int", self.timeout))


class ClosingAdapter(UnixHTTPAdapter):
    """The SDK's adapter of a Unix socket, whose connections close what they cannot connect."""

    @classmethod
    def like(cls, adapter: UnixHTTPAdapter) -> ClosingAdapter:
        """Return one of the same socket."""
        return cls(adapter.socket_path, adapter.timeout, max_pool_size=adapter.max_pool_size)

    def get_connection(self, url: Any, _proxies: Any = None) -> _Pool:
        """Return the connections to a URL, made when they are asked for first."""
        with self.pools.lock:
            if url not in self.pools:
                self.pools[url] = _Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)
            found: _Pool = self.pools[url]
        return found
