"""A kernel is compiled once for a processor, and a file cut short is not believed."""

import numpy as np
import pytest

from pipeline.engines.cpu.codegen import compile as machine
from pipeline.engines.cpu.codegen.compile import Kernel, kernel_folder, object_file
from pipeline.engines.cpu.codegen.simd import Program


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "pipeline" / "kernels"


def twice():
    p = Program("float64")
    x = p.array_parameter("x")
    x.store(0, x.load(0, 8) * 2.0)
    return p


def result():
    x = np.arange(8.0)
    Kernel(twice())({"x": x})
    return x.tolist()


def test_kernel_is_compiled_once_and_then_read(cache, monkeypatch):
    assert result() == [2.0 * n for n in range(8)]
    assert [path.name for path in cache.iterdir()] == [object_file(twice().text()).name]
    monkeypatch.setattr(machine, "_optimised", lambda text, target: pytest.fail("compiled again"))
    assert result() == [2.0 * n for n in range(8)]


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"x" * 500])
def test_file_that_is_not_whole_is_made_again(cache, content):
    result()
    (path,) = cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(content or whole[:-7])
    assert result() == [2.0 * n for n in range(8)]
    assert path.read_bytes() == whole


def test_another_processor_has_another_file(monkeypatch):
    text = twice().text()
    here = object_file(text)
    assert here.parent == kernel_folder()
    monkeypatch.setattr(machine, "processor", lambda: ("another", "+none"))
    assert object_file(text) != here


def test_folder_that_cannot_be_written_costs_only_the_time_to_compile(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert result() == [2.0 * n for n in range(8)]
