"""The house's own rules: imports run one way, and each third-party package is used where it belongs."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("cleaning", "corpus", "crawler", "demo")

MAY_IMPORT = {
    "cleaning": {"cleaning"},
    "corpus": {"cleaning", "corpus"},
    "crawler": {"cleaning", "corpus", "crawler"},
    "demo": {"cleaning", "corpus", "crawler", "demo"},
}

FORBIDDEN = {
    # The cleaning room is pure: no network, no database, no clock.
    "cleaning": {
        "scrapy",
        "twisted",
        "sqlite3",
        "sqlite_utils",
        "socket",
        "urllib.request",
        "requests",
        "time",
        "click",
    },
    "corpus": {"scrapy", "twisted", "socket", "urllib.request", "requests"},
}

ONLY_IN = {
    "bs4": {"cleaning"},
    "chardet": {"cleaning/decode.py"},
    "opencc": {"cleaning"},
    "sqlite_utils": {"corpus/database.py"},
    "fastwarc": {"corpus/archive.py", "crawler"},
    "isal": {"corpus/archive.py"},
    "scrapy": {"crawler"},
    "twisted": {"crawler"},
    "scrapy_playwright": {"crawler/render.py"},
    "rich": {"corpus/terminal.py", "crawler"},
    "datasette": {"corpus/web/app.py", "corpus/web/pages.py"},
    "uvicorn": {"corpus/web/server.py"},
    "jinja2": {"corpus/web/app.py", "corpus/report.py"},
    "matplotlib": {"corpus/charts.py"},
    "redis": {"crawler/redis_frontier.py", "crawler/redis_link.py"},
    "pyspark": {
        "corpus/cli_spark.py",
        *(path.relative_to(ROOT).as_posix() for path in (ROOT / "corpus" / "spark").glob("*.py")),
    },
}


def modules(room: str) -> Iterator[Path]:
    yield from sorted((ROOT / room).rglob("*.py"))


@cache
def imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide which room is meant"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("resources.files"):
            # A package whose data files are read is used as much as one that is imported.
            found.update(str(argument.value) for argument in node.args if isinstance(argument, ast.Constant))
    return frozenset(found)


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_downwards_only(room: str) -> None:
    above = set(ROOMS) - MAY_IMPORT[room]
    for path in modules(room):
        assert not roots(path) & (above | {"yuqi", "tests", "benchmarks"}), path


@pytest.mark.parametrize("room", sorted(FORBIDDEN))
def test_a_room_keeps_out_what_it_must_not_know(room: str) -> None:
    for path in modules(room):
        assert not imports(path) & FORBIDDEN[room], path


@pytest.mark.parametrize("package", sorted(ONLY_IN))
def test_a_package_is_used_where_it_belongs(package: str) -> None:
    used = [path for room in ROOMS for path in modules(room) if package in roots(path)]
    assert used, f"{package} is a dependency that nothing uses"
    for path in used:
        place = path.relative_to(ROOT).as_posix()
        assert place in ONLY_IN[package] or place.partition("/")[0] in ONLY_IN[package], place


def test_every_third_party_import_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {"bs4": "beautifulsoup4", "opencc": "opencc-python-reimplemented", "sqlite_utils": "sqlite-utils"}
    names |= {"scrapy_playwright": "scrapy-playwright"}
    # These come with scrapy and beautifulsoup4 and are part of their interfaces.
    declared = {"soupsieve", "twisted", "brotli", "w3lib", "protego", "itemadapter", "zope", "parsel", "OpenSSL"}
    extras = [
        line
        for name, lines in project["optional-dependencies"].items()
        if name not in ("dev", "bench")
        for line in lines
    ]
    for line in [*project["dependencies"], *extras]:
        declared.add(line.split(">")[0].split("=")[0].split("[")[0].strip().lower())
    for room in ROOMS:
        for path in modules(room):
            for name in roots(path) - set(sys.stdlib_module_names) - set(ROOMS) - {""}:
                assert names.get(name, name).lower() in {entry.lower() for entry in declared}, f"{path}: {name}"


def test_no_import_cycles_between_modules() -> None:
    graph: dict[str, frozenset[str]] = {}
    for room in ROOMS:
        for path in modules(room):
            name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
            graph[name] = imports(path)
    known = set(graph)
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail, name])
        if name in done:
            return
        for target in sorted(graph[name] & known - {name}):
            if not name.startswith(target + "."):  # a package's own __init__ is imported before its modules
                visit(target, (*trail, name))
        done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_packages_are_listed_one_by_one() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    found = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for room in ROOMS
        for path in (ROOT / room).rglob("__init__.py")
    }
    assert set(listed) == found


def test_nothing_names_a_registry_or_this_machine() -> None:
    hosts = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "deb." + "debian.org", "/opt/" + "pypi"]
    for pattern in ("*.py", "*.toml", "*.md", "*.txt", "Makefile", "*.json"):
        for path in ROOT.rglob(pattern):
            if any(part.startswith(".") or part in ("build", "demo-out") for part in path.relative_to(ROOT).parts):
                continue
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not [host for host in hosts if host in text], path
