"""What a job writes down of its node is true, and holds no password."""

from __future__ import annotations

import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipeline.launch.probe.node_inventory import write_node_inventory

UNREACHABLE = "127.0.0.1:9"


def seen(path: Path, *hosts: str) -> dict[str, Any]:
    write_node_inventory(str(path / "answers.json"), hosts)
    answers: dict[str, Any] = json.loads((path / "answers.json").read_text())
    return answers


@contextmanager
def serving(handler: type[http.server.BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of a server on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Answering(http.server.BaseHTTPRequestHandler):
    """Refuses everything, which is an answer."""

    def do_HEAD(self) -> None:
        self.send_error(404)

    def log_message(self, *_: Any) -> None: ...


class Proxy(Answering):
    """A proxy that wants another password."""

    def do_CONNECT(self) -> None:
        self.send_error(407)


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def test_the_machine_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    answers = seen(tmp_path)
    assert answers["cpus"] == len(os.sched_getaffinity(0))
    assert 0 < answers["memory_gib"] <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 + 0.01
    assert answers["visible_gpus"] == "0,1"
    assert answers["free_gib"] >= 0
    assert "/tmp" in answers["scratch"]


def test_what_is_on_path_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("qsub", ""), ("nvidia-smi", "echo 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1b2c)'")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    answers = seen(tmp_path)
    assert answers["commands"] == ["qsub", "nvidia-smi"]
    assert answers["gpus"] == ["NVIDIA H100 80GB HBM3"]


@pytest.mark.usefixtures("no_proxy")
def test_a_host_that_answers_is_reached_whatever_it_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    with serving(Answering, context) as address:
        assert seen(tmp_path, address, UNREACHABLE)["internet"] == {address: "yes", UNREACHABLE: "connection refused"}


@pytest.mark.usefixtures("no_proxy")
def test_a_proxy_s_password_is_not_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Proxy) as address:
        monkeypatch.setenv("https_proxy", f"http://me:secret@{address}")
        answers = seen(tmp_path, "api.wandb.ai")
        assert answers["internet"] == {"api.wandb.ai": "tunnel connection failed: 407"}
        monkeypatch.setenv("https_proxy", "http://me:secret@127.0.0.1:not_a_port")
        assert seen(tmp_path, "api.wandb.ai")["internet"] == {"api.wandb.ai": "invalidurl"}
    assert answers["proxies"] == ["https_proxy"]
    assert "secret" not in (tmp_path / "answers.json").read_text()


@pytest.mark.usefixtures("no_proxy")
def test_a_host_that_says_nothing_holds_the_job_up_for_seconds_only(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        assert seen(tmp_path, address)["internet"] == {address: "no answer in time"}
        assert time.monotonic() - began < 60


def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_node_inventory(str(tmp_path / "nowhere" / "answers.json"), ())
