import random

import pytest

from crawler.traps import BARREN_AFTER, Probes, Twins, Watch, folder_of, probe_paths, similarity


def test_an_endless_family_of_empty_pages_is_closed() -> None:
    watch = Watch()
    closed_at = [
        page
        for page in range(100)
        if watch.saw(
            f"http://a.test/tag/page/{page}/",
            wordy=False,
            links=["http://a.test/", f"http://a.test/tag/page/{page + 1}/"],
        )
    ]
    assert closed_at == [BARREN_AFTER - 1]
    assert watch.closed("http://a.test/tag/page/1000/") == "barren-shape"
    assert watch.closed("http://a.test/tag/") is None


def test_a_real_list_stays_open_even_if_its_articles_are_known() -> None:
    watch = Watch()
    for page in range(200):
        links = [f"http://a.test/post/{page * 10 + n}.html" for n in range(10)]
        assert not watch.saw(f"http://a.test/list/{page}.html", wordy=False, links=links)


def test_articles_without_links_stay_open() -> None:
    watch = Watch()
    assert not any(watch.saw(f"http://a.test/post/{n}.html", wordy=True, links=()) for n in range(200))


def fresh_text(rng: random.Random) -> str:
    return "".join(chr(rng.randrange(0x4E00, 0x9FA5)) for _ in range(600))


def test_a_pool_is_told_from_an_error_page() -> None:
    rng = random.Random(7)
    pool, honest, soft = Probes(), Probes(), Probes()
    assert [pool.answered("a.test", fresh_text(rng)) for _ in range(2)] == [False, True]
    assert not any(honest.answered("a.test", None) for _ in range(2))
    page = fresh_text(rng)
    assert not any(soft.answered("a.test", page + suffix) for suffix in ("最新文章一二三", "最新文章四五六"))
    assert soft.soft_404("a.test", page + "最新文章七八九")
    assert not soft.soft_404("a.test", fresh_text(rng))
    assert not soft.soft_404("b.test", page)


def test_wildcard_subdomains_are_taken_for_pools_after_some() -> None:
    rng = random.Random(7)
    probes = Probes()
    hosts = [f"{n}.a.test" for n in range(3)]
    for count, host in enumerate(hosts):
        assert probes.wild(hosts) is (count >= 3)
        for _ in range(2):
            probes.answered(host, fresh_text(rng))
    assert probes.wild(hosts)


def test_probe_paths_are_stable_and_unlikely() -> None:
    assert probe_paths("a.test") == probe_paths("a.test")
    assert len({*probe_paths("a.test"), *probe_paths("b.test")}) == 4


def test_twins_need_proof() -> None:
    twins = Twins()
    for n in (1, 2):
        assert twins.same("a.test") is None
        twins.saw(f"http://www.a.test/{n}", f"正文{n}甲" * 50)
        assert twins.comparable(f"http://a.test/{n}")
        twins.saw(f"http://a.test/{n}", f"正文 {n} 甲" * 50)
    assert twins.same("a.test") is True
    assert twins.same("www.a.test") is True
    assert twins.same("b.test") is None


def test_one_unlike_page_disproves_twins() -> None:
    twins = Twins()
    for n in range(5):
        twins.vote("a.test", alike=True)
        assert n < 1 or twins.same("a.test") is True
    twins.saw("http://www.a.test/x", "甲")
    twins.saw("http://a.test/x", "乙")
    assert twins.same("a.test") is False


def test_similarity_bounds() -> None:
    assert similarity(frozenset(), frozenset()) == 1.0
    assert similarity(frozenset({1}), frozenset({2})) == 0.0


H = "http://a.test"


def test_a_default_document_is_proved_by_two_folders_and_none_unlike() -> None:
    twins = Twins()
    for folder, text in (("/", "front page"), ("/b/", "section b")):
        assert twins.plain(f"{H}/c/index.html") is None
        twins.saw_default(f"{H}{folder}", text)
        twins.saw_default(f"{H}{folder}index.html", text + " 17")
    assert twins.plain(f"{H}/c/index.html") == f"{H}/c/"
    for other in ("/c/index.html?id=5", "/c/index.php", "/c/x-index.html", "/c/", "/index.html/x"):
        assert twins.plain(H + other) is None
    assert twins.plain("http://b.test/index.html") is None
    twins.saw_default(f"{H}/d/index.html", "one thing")
    twins.saw_default(f"{H}/d/", "another")
    assert twins.plain(f"{H}/c/index.html") is None


def test_one_folder_alone_proves_nothing() -> None:
    twins = Twins()
    for _ in range(3):
        twins.saw_default(f"{H}/index.php", "front page")
        twins.saw_default(f"{H}/", "front page")
    assert twins.plain(f"{H}/b/index.php") is None


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (f"{H}/index.html", (f"{H}/", "index.html")),
        (f"{H}/a/default.aspx", (f"{H}/a/", "default.aspx")),
        (f"{H}/a/index.php?a=1", (f"{H}/a/index.php?a=1", "")),
        (f"{H}/a/index_2.html", (f"{H}/a/index_2.html", "")),
        (f"{H}/", (f"{H}/", "")),
    ],
)
def test_default_documents(key: str, expected: tuple[str, str]) -> None:
    assert folder_of(key) == expected
