from __future__ import annotations

import sys

import pytest

from corpus.export import records
from corpus.fields import NAMES
from corpus.formats import FormatError
from corpus.frames import Record
from corpus.selection import SelectionError
from corpus.store import Corpus


def test_the_package_offers_the_corpus() -> None:
    import corpus as package

    assert package.Corpus is Corpus
    with pytest.raises(AttributeError, match="nosuch"):
        _ = package.nosuch


def test_a_record_has_the_fields_of_an_export() -> None:
    assert tuple(Record.__annotations__) == NAMES


def test_documents_are_the_exported_records(corpus: Corpus) -> None:
    found = corpus.documents()
    assert list(found) == list(records(corpus.connection))
    assert len(found) == len(list(found)) > 1
    assert found.head(1) == list(found)[:1]
    assert len(corpus.documents(duplicates=True)) > len(found)
    assert [list(record) for record in corpus.documents(fields=["text", "id"])] == [["id", "text"]] * len(found)


def test_frames_hold_what_iteration_yields(corpus: Corpus) -> None:
    found = corpus.documents(duplicates=True)
    expected = list(found)
    assert found.to_arrow().to_pylist() == expected
    assert found.to_polars().to_dicts() == expected
    frame = found.to_pandas()
    assert list(frame.columns) == list(NAMES)
    assert frame["text"].tolist() == [record["text"] for record in expected]
    assert next(found.batches(2)).num_rows == 2


def test_no_documents_still_make_a_frame_with_its_columns(corpus: Corpus) -> None:
    assert tuple(corpus.documents(sites=["nowhere.example"]).to_polars().columns) == NAMES


def test_filters_that_are_wrong_say_so(corpus: Corpus) -> None:
    with pytest.raises(SelectionError):
        corpus.documents(topics=["nosuch"])
    with pytest.raises(TypeError, match="nosuch"):
        corpus.documents(nosuch=1)
    with pytest.raises(ValueError, match="no such field"):
        corpus.documents(fields=["nosuch"])


def test_without_the_package_it_says_what_to_install(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FormatError, match=r"yuqi\[frames\]"):
        corpus.documents().to_pandas()
