"""The dirty-Chinese benchmark measures what it says: seeded cases, exact gold, honest scores."""

from __future__ import annotations

import random

import pytest

from benchmarks.dirty.__main__ import measure, right_characters, row
from benchmarks.dirty.generate import CHAINS, MECHANISMS, Case, Mechanism, documents, holdable, traditional
from cleaning.repair.chains import damage


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return documents(3, random.Random(7))


def test_documents_are_a_function_of_the_seed(texts: list[str]) -> None:
    assert documents(3, random.Random(7)) == texts
    assert documents(3, random.Random(8)) != texts


def test_documents_are_as_long_as_asked(texts: list[str]) -> None:
    longer = documents(3, random.Random(7), 2000)
    assert all(2000 <= len(text) < 4000 for text in longer)
    assert documents(3, random.Random(7), 1) == texts
    assert longer[0].startswith(texts[0])


@pytest.mark.parametrize("mechanism", MECHANISMS, ids=lambda mechanism: mechanism.name)
def test_cases_are_a_function_of_the_seed(mechanism: Mechanism, texts: list[str]) -> None:
    first, second = (mechanism.apply(texts[0], random.Random(3)) for _ in range(2))
    assert first == second
    assert (first.damaged == first.gold) == (mechanism.kind == "clean")


@pytest.mark.parametrize("name", CHAINS)
def test_gold_of_a_chain_gives_the_damage(name: str, texts: list[str]) -> None:
    mechanism = next(mechanism for mechanism in MECHANISMS if mechanism.name == name)
    case = mechanism.apply(texts[0], random.Random(1))
    assert damage(case.gold, CHAINS[name][1]) == case.damaged


def test_gold_holds_only_what_was_written() -> None:
    assert holdable("\U0001f600好", "gbk") == "好"
    assert traditional("催收电话") == "催收電話"


def test_right_characters() -> None:
    assert right_characters("借款\n还款", "借款\n还款") == 5
    assert right_characters("借款\n还款", "借\n还款") == 4
    assert right_characters("借款\n还款", "借款还款") == 4
    assert right_characters("借款", "逾期") == 0


def test_measure_counts_what_an_engine_does() -> None:
    cases = [Case("x", "借"), Case("款", "款")]
    read: list[str] = []

    def engine(text: str) -> str:
        read.append(text)
        return text.replace("x", "借")

    score = measure(engine, cases, [Case("other", "")])
    assert read == ["other", "x", "款"]
    assert (score.exact, score.right, score.changed) == (2, 1.0, 1)
    assert measure(lambda text: text, cases, []).exact == 1


def test_a_row_has_a_cell_for_each_engine(texts: list[str]) -> None:
    mechanism = next(mechanism for mechanism in MECHANISMS if mechanism.kind == "clean")
    assert row(mechanism, texts, 1).count("|") >= 1
