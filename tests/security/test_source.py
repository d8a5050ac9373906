"""What the program's own source may not do, and what merely importing it may not do."""

from __future__ import annotations

import ast
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("cleaning", "corpus", "crawler", "demo")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))

NEVER_IMPORTED = {
    "pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "yaml",
    "xmlrpc", "telnetlib", "ftplib",
}  # fmt: skip
"""What runs code that it reads, or speaks to the network past the crawl's own rules."""

BETWEEN_OUR_OWN = {"corpus/spark/alone.py": {"pickle"}}
"""From a child to the process that forked it, as multiprocessing and Spark do: never from a file or the network."""

NEVER_CALLED = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "tempfile.mktemp",
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_that_is_read_is_run(path: Path) -> None:
    never = NEVER_IMPORTED - BETWEEN_OUR_OWN.get(path.relative_to(ROOT).as_posix(), set())
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & never
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in never
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in NEVER_CALLED, f"line {node.lineno}: {name}"
            assert _keyword(node, "shell") is not True, f"line {node.lineno}: a shell"
            assert _keyword(node, "allow_pickle") is not True, f"line {node.lineno}: pickles"
            assert _keyword(node, "verify") is not False, f"line {node.lineno}: certificates are not checked"


def _keyword(call: ast.Call, name: str) -> object:
    return next(
        (key.value.value for key in call.keywords if key.arg == name and isinstance(key.value, ast.Constant)), None
    )


_IMPORT_ALL = """
import importlib, json, pkgutil, sys
touched = []
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system"):
        touched.append(f"{event} {args!r}"[:200])
sys.addaudithook(hook)
loaded = []
for room in ("cleaning", "corpus", "crawler", "demo"):
    for found in pkgutil.walk_packages([room], room + "."):
        if found.name.endswith("__main__"):
            continue
        before = len(touched)
        importlib.import_module(found.name)
        loaded.append(found.name)
importlib.import_module("yuqi")
print(json.dumps([loaded, touched]))
"""


def test_importing_every_module_asks_nobody_and_starts_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _IMPORT_ALL], cwd=ROOT, capture_output=True, check=True)
    loaded, touched = json.loads(done.stdout)
    assert len(loaded) > 100
    # Libraries look at the machine they are on (a C compiler's name, the kernel's): what they may not do is reach out.
    assert [event for event in touched if not event.startswith(("subprocess.Popen", "os.system"))] == []
    assert [event for event in touched if "yuqi" in event] == []


def test_help_is_there_without_the_rooms() -> None:
    program = "import sys, yuqi; yuqi.main(['--version'], standalone_mode=False); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, text=True)
    for heavy in ("numpy", "scrapy", "twisted", "lxml", "pandas", "pyarrow", "datasette", "matplotlib", "pyspark"):
        assert f"'{heavy}'" not in done.stdout, heavy


def test_the_tests_themselves_reach_no_further_than_loopback() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        pytest.raises(RuntimeError, match="beyond loopback"),
    ):
        other.connect(("192.0.2.1", 9))
