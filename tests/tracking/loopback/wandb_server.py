"""A W&B server on this machine, for the real client: it keeps what it gets, and fails on demand."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import re
import socket
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from wandb_graphql import Operations
from wandb_state import Fault, Kept, RefusedError

BELOW = "/tools/wandb"
"""A path below which the server is found as well, as behind a proxy."""


class WandbServer(Kept):
    """The server; what it keeps outlives a restart."""

    def __init__(self) -> None:
        super().__init__()
        self.port = 0
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self.clock_ahead_seconds = 0.0
        self.http: ThreadingHTTPServer | None = None
        self.holder = socket.socket()
        """Bound to the port, so that it is given to no connection while nobody listens."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def forget(self) -> None:
        """Be as new, at the same address."""
        with self.lock:
            Kept.__init__(self)
            self.bodies = []
            self.clock_ahead_seconds = 0.0

    def memory(self) -> dict[str, Any]:
        """All that is kept, as a copy."""
        own = ("lock", "http", "holder", "port")
        with self.lock:
            return copy.deepcopy({name: value for name, value in vars(self).items() if name not in own})

    def remember(self, memory: dict[str, Any]) -> None:
        """Keep what was kept at another moment."""
        with self.lock:
            vars(self).update(copy.deepcopy(memory))

    def start(self) -> None:
        """Listen, at the same port as before."""
        handler = type("Handler", (_Handler,), {"server_state": self})
        if not self.port:
            self.holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.holder.bind(("127.0.0.1", 0))
            self.port = self.holder.getsockname()[1]
        ThreadingHTTPServer.allow_reuse_address = True
        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Stop listening; nobody is answered any more."""
        assert self.http is not None
        self.http.shutdown()
        self.http.server_close()

    def leave(self) -> None:
        """Stop listening for good."""
        self.stop()
        self.holder.close()

    def operations(self) -> Operations:
        return Operations(self, self.url)


class _Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server_state: ClassVar[WandbServer]
    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *_: Any) -> None:
        pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string((timestamp or time.time()) + self.server_state.clock_ahead_seconds)

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError):
            self.close_connection = True  # the client was killed, or a fault has broken the connection

    def respond(self) -> None:
        """Answer a request, unless a fault strikes."""
        body, path = self.body(), unquote(urlsplit(self.path).path).removeprefix(BELOW)
        where, content = self.understood(path, body)
        kept = self.server_state
        with kept.lock:
            fault = kept.struck(where)
            kept.bodies.append((where, content))
        if fault is not None and self.fails(fault):
            return
        try:
            with kept.lock:
                reply = self.reply(where, path, content, body, fault)
        except RefusedError as refusal:
            self.answer(refusal.status, {"errors": [{"message": refusal.message}]})
            return
        if fault is not None and fault.what == "cut":
            self.reset()
        else:
            self.answer(200, reply)

    do_GET = do_HEAD = do_POST = do_PUT = respond

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            whole = b"".join(parts)
        else:
            whole = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(whole) if self.headers.get("Content-Encoding") == "gzip" else whole

    def understood(self, path: str, body: bytes) -> tuple[str, dict[str, Any]]:
        """What is asked, by name, and the parsed body."""
        if path == "/graphql":
            content = json.loads(body)
            named = content.get("operationName") or re.findall(r"(?:query|mutation)\s+(\w+)", content["query"])[0]
            return named, content
        if path.endswith("/file_stream"):
            return "file_stream", json.loads(body)
        return "upload" if path.startswith("/upload/") else "page", {}

    def reply(self, where: str, path: str, content: dict[str, Any], body: bytes, fault: Fault | None) -> Any:
        kept = self.server_state
        if where == "page":
            return {}
        if where == "upload":
            kept.uploads[path.removeprefix("/upload/")] = body
            return {}
        if not self.authorized():
            raise RefusedError(401, "user is not logged in")
        if where == "file_stream":
            _, _, entity, project, name, _ = path.split("/")
            kept.stream((entity, project, name), content, lost=fault is not None and fault.what == "lose")
            return {"limits": {}}
        return {"data": kept.operations().answer(where, content.get("variables") or {})}

    def authorized(self) -> bool:
        kind, _, word = self.headers.get("Authorization", "").partition(" ")
        return kind == "Basic" and base64.b64decode(word).decode().partition(":")[2] in self.server_state.keys

    def fails(self, fault: Fault) -> bool:
        """Do what a fault says; whether the request is over."""
        if fault.what == "slow":
            time.sleep(fault.seconds)
        elif fault.what == "reset":
            self.reset()
            return True
        elif isinstance(fault.what, int):
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            self.answer(fault.what, {"errors": [{"message": f"told to say {fault.what}"}]}, headers)
            return True
        return False

    def reset(self) -> None:
        """Break the connection without a word."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def answer(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
