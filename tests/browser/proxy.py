"""A relay between the browser and the server whose cable can be pulled out."""

import contextlib
import socket
import threading
from typing import Self


class Proxy:
    """`with Proxy(port) as proxy:`; the browser calls `proxy.port`."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._plugged = True
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.pull_out()

    def pull_out(self) -> None:
        """Every connection ends at once, and new ones lead nowhere."""
        with self._lock:
            self._plugged = False
            for connection in self._open:
                _shut(connection)

    def plug_in(self) -> None:
        with self._lock:
            self._plugged = True

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # closed: the end
            while True:
                self._relay(self._listener.accept()[0])

    def _relay(self, browser: socket.socket) -> None:
        with self._lock:
            if not self._plugged:
                browser.close()
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open |= {browser, server}
        for source, sink in ((browser, server), (server, browser)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):  # either side may leave at any moment
            while data := source.recv(65536):
                sink.sendall(data)
        with self._lock:
            for connection in (source, sink):
                _shut(connection)
            self._open.discard(source)
            source.close()


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
