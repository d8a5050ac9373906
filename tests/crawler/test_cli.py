import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from corpus.store import Corpus
from crawler import cli
from crawler.run import CrawlError
from crawler.session import CrawlSummary, Limits
from tests.crawler.web import PROSE, crawl, page


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def faked(monkeypatch: pytest.MonkeyPatch, summary: CrawlSummary) -> list[dict[str, object]]:
    calls: list[dict[str, object]] = []

    def crawl_instead(corpus: Path, targets: tuple[str, ...], **options: object) -> CrawlSummary:
        calls.append({"corpus": corpus, "targets": targets, **options})
        Corpus(corpus, create=True).close()
        return summary

    monkeypatch.setattr(cli, "crawl", crawl_instead)
    return calls


def test_options_reach_the_crawl(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = faked(monkeypatch, CrawlSummary(fetched=3, seconds=1.5, pages={"a.test": 3}, articles={"a.test": 2}))
    result = runner.invoke(
        cli.crawl_command,
        [
            "c.db",
            "a.test",
            "--pages",
            "5",
            "--delay",
            "2",
            "--host",
            "a.test=127.0.0.1:80",
            "--fresh",
            "--recrawl",
            "--topic",
            "off",
            "--contact",
            "x",
            "--cleaners",
            "3",
            "--log-json",
            "log.jsonl",
            "--metrics-port",
            "0",
        ],
    )
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "a.test: 3 pages, 2 articles" in result.stderr
    assert calls == [
        {
            "corpus": Path("c.db"),
            "targets": ("a.test",),
            "limits": Limits(pages=5),
            "hosts": {"a.test": "127.0.0.1:80"},
            "allow_private": False,
            "contact": "x",
            "fresh": True,
            "recrawl": "due",
            "topic": "off",
            "delay": 2.0,
            "cleaners": 3,
            "log_json": Path("log.jsonl"),
            "metrics_port": 0,
            "frontier": None,
        }
    ]


def test_strict_and_json(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    faked(monkeypatch, CrawlSummary(warnings=["a: 1 articles, expected at least 5"]))
    assert runner.invoke(cli.crawl_command, ["c.db", "a.test"]).exit_code == 0
    strict = runner.invoke(cli.crawl_command, ["c.db", "a.test", "--strict", "--json"])
    assert strict.exit_code == 1
    assert json.loads(strict.stdout)["warnings"] == ["a: 1 articles, expected at least 5"]
    assert "warning: a: 1 articles" in strict.stderr


def test_without_targets_the_last_crawl_s_are_gone_on_with(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Corpus("c.db", create=True) as corpus:
        corpus.begin_run("crawl", ["http://a.test/", "--topic=overdue,scam"])
        corpus.begin_run("ingest", ["b.html"])
    calls = faked(monkeypatch, CrawlSummary())
    for options in (["c.db"], ["c.db", "--topic", "off"], ["c.db", "http://a.test/"]):
        assert runner.invoke(cli.crawl_command, options).exit_code == 0
    assert {call["targets"] for call in calls} == {("http://a.test/",)}
    assert [call["topic"] for call in calls] == ["overdue,scam", "off", None]


def test_usage_errors_exit_2(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> CrawlSummary:
        raise CrawlError("the crawl was killed")

    monkeypatch.setattr(cli, "crawl", fail)
    for arguments, message in (
        (["c.db"], "nothing to crawl"),
        (["c.db", "a.test", "--host", "a.test"], "127.0.0.1:8000"),
        (["c.db", "a.test", "--pages", "0"], "--pages"),
        (["c.db", "a.test"], "the crawl was killed"),
    ):
        result = runner.invoke(cli.crawl_command, arguments)
        assert result.exit_code == 2
        assert message in result.stderr


def test_what_waits_and_what_was_left_out_is_told(runner: CliRunner, tmp_path: Path) -> None:
    _, sink, _ = crawl(
        {"http://a.test/": page("/x", "http://b.test/"), "http://a.test/x": page(text=PROSE)}, "http://a.test/"
    )
    path = tmp_path / "c.db"
    sink.connection.execute("VACUUM INTO ?", (str(path),))
    overview = runner.invoke(cli.frontier_command, [str(path), "--json"])
    assert json.loads(overview.stdout) == {"states": {"done": 2, "excluded": 1}, "why": {"off-scope": 1}}
    why = runner.invoke(cli.frontier_command, [str(path), "--why", "HTTP://b.test/#x", "--json"])
    found = json.loads(why.stdout)
    assert (found["state"], found["why"], found["parent"]) == ("excluded", "off-scope", "http://a.test/")
    assert found["rules"] == ["host", "fragment"] or found["rules"] == ["fragment"]
    unknown = runner.invoke(cli.frontier_command, [str(path), "--why", "http://c.test/"])
    assert "no fetched page has led to it" in unknown.stdout


def test_a_file_without_a_frontier(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"")
    result = runner.invoke(cli.frontier_command, [str(path)])
    assert result.exit_code == 2
    assert "yuqi crawl" in result.stderr
    assert runner.invoke(cli.frontier_command, [str(tmp_path / "missing.db")]).exit_code == 2


def test_site_commands(runner: CliRunner, tmp_path: Path) -> None:
    listed = runner.invoke(cli.site_group, ["list"])
    assert "demo-a\thttp://www.yuqi-a.test/" in listed.stdout
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text("seeds = ['http://a.test/']", "utf-8")
    bad.write_text("sedes = []", "utf-8")
    assert runner.invoke(cli.site_group, ["check", str(good)]).exit_code == 0
    result = runner.invoke(cli.site_group, ["check", str(good), str(bad)])
    assert result.exit_code == 1
    assert "did you mean seeds" in result.stderr


@pytest.mark.parametrize("command", cli.commands, ids=lambda command: str(command.name))
def test_every_command_has_help(command: object, runner: CliRunner) -> None:
    result = runner.invoke(command, ["--help"])  # type: ignore[arg-type]
    assert result.exit_code == 0
    assert "yuqi" in result.stdout or "Commands" in result.stdout


def test_a_frontier_of_a_newer_version(runner: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    with Corpus(path, create=True) as corpus:
        corpus.db.execute("PRAGMA user_version = 9999")
    result = runner.invoke(cli.frontier_command, [str(path)])
    assert result.exit_code == 2
    assert "newer yuqi" in result.stderr
