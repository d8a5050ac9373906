import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.coding import MAX_RATIO, RATIO_FLOOR, BombError, CodingError, decode_content, gunzip

LIMIT = 50_000_000


@given(st.binary(max_size=5000), st.sampled_from(["gzip", "x-gzip", "GZIP"]))
@settings(max_examples=50)
def test_gzip(body: bytes, name: str) -> None:
    assert decode_content(gzip.compress(body), name, limit=LIMIT) == (body or gzip.compress(body))


@given(st.binary(min_size=1, max_size=5000))
@settings(max_examples=50)
def test_deflate_with_and_without_its_header(body: bytes) -> None:
    raw = zlib.compressobj(wbits=-15)
    assert decode_content(zlib.compress(body), "deflate", limit=LIMIT) == body
    assert decode_content(raw.compress(body) + raw.flush(), "deflate", limit=LIMIT) == body


def test_several_codings_are_undone_in_reverse() -> None:
    assert decode_content(gzip.compress(zlib.compress(b"page")), "deflate, gzip", limit=LIMIT) == b"page"


def test_members_are_joined() -> None:
    assert gunzip(gzip.compress(b"one") + gzip.compress(b"two"), limit=LIMIT) == b"onetwo"


def test_a_mislabelled_body_is_left_alone() -> None:
    assert decode_content(b"<html>plain", "gzip", limit=LIMIT) == b"<html>plain"
    assert decode_content(b"<html>plain", "br", limit=LIMIT) == b"<html>plain"
    assert decode_content(b"<html>plain", "", limit=LIMIT) == b"<html>plain"


def test_a_body_cut_short_gives_what_there_is() -> None:
    text = bytes(range(256)) * 400
    packed = gzip.compress(text)
    part = decode_content(packed[: len(packed) // 2], "gzip", limit=LIMIT)
    assert part
    assert text.startswith(part)


def test_rubbish_after_the_end_is_ignored() -> None:
    assert decode_content(gzip.compress(b"page") + b"rubbish", "gzip", limit=LIMIT) == b"page"


def test_bombs() -> None:
    bomb = gzip.compress(bytes(30_000_000))
    with pytest.raises(BombError, match=str(MAX_RATIO)):
        decode_content(bomb, "gzip", limit=LIMIT)
    with pytest.raises(BombError, match="1000000"):
        decode_content(gzip.compress(bytes(range(256)) * 5000), "gzip", limit=1_000_000)
    with pytest.raises(BombError):
        decode_content(gzip.compress(bomb), "gzip, gzip", limit=LIMIT)


def test_a_small_page_may_compress_well() -> None:
    page = b"<p>" * (RATIO_FLOOR // 3)
    assert decode_content(gzip.compress(page), "gzip", limit=LIMIT) == page


@given(st.binary(min_size=1, max_size=5000))
@settings(max_examples=30)
def test_brotli_and_zstd(body: bytes) -> None:
    assert decode_content(brotli.compress(body), "br", limit=LIMIT) == body
    assert decode_content(zstandard.compress(body), "zstd", limit=LIMIT) == body


def test_several_zstd_frames_are_one_body() -> None:
    assert (
        decode_content(zstandard.compress(b"one") + zstandard.compress(b"two"), "zstd", limit=LIMIT) == b"onetwo"
    )


@pytest.mark.parametrize(("name", "pack"), [("br", brotli.compress), ("zstd", zstandard.compress)])
def test_bombs_of_other_codings(name: str, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BombError):
        decode_content(pack(bytes(30_000_000)), name, limit=LIMIT)


def test_a_zstd_window_beyond_the_standard_gets_no_memory() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    # Told in pieces, so that the frame can't promise a smaller window.
    packed = packer.compress(b"a") + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) + packer.flush()
    assert zstandard.get_frame_parameters(packed).window_size == 1 << 27
    with pytest.raises(CodingError, match="zstd"):
        decode_content(packed, "zstd", limit=LIMIT, strict=True)


@pytest.mark.parametrize("name", ["br", "zstd", "compress", "no-such"])
def test_strict_tells_of_a_body_in_another_coding(name: str) -> None:
    with pytest.raises(CodingError, match=name):
        decode_content(b"<html>plain", name, limit=LIMIT, strict=True)


@pytest.mark.parametrize("name", ["gzip", "x-gzip", "deflate", "identity", ""])
def test_strict_allows_a_plain_body_under_a_common_label(name: str) -> None:
    assert decode_content(b"<html>plain", name, limit=LIMIT, strict=True) == b"<html>plain"
