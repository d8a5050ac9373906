"""Loading what is loaded with a first page, before processes are forked that would each load it for themselves."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from importlib import import_module

from corpus.derive import derive
from corpus.masking import default_masker
from corpus.records import Fetch

_PAGE = """<html><head><title>信用卡逾期怎麼辦</title></head><body><h1>信用卡逾期怎麼辦</h1><div>2024-01-02 作者：小李</div>
<p>借款人逾期三個月後，銀行會打電話催收，這時應當主動協商還款，不要失聯，也不要以貸養貸。</p>
<p>协商以后要保留通话记录和还款凭证，招联金融、度小满等平台也可以申请延期还款或者停息挂账。</p></body></html>"""


def load() -> None:
    """Load what a page needs, so that forked workers have it, and keep the collector's hands off it."""
    # Stores what is derived; loaded now, not when there is something to do.
    import_module("corpus.store")
    headers = (("Content-Type", "text/html; charset=utf-8"),)
    derive(Fetch("http://page.invalid/", datetime(2024, 1, 2, tzinfo=UTC), _PAGE.encode(), headers=headers))
    default_masker()
    # A collection writes into every object that it looks at, and so makes a copy of the memory that is shared.
    gc.freeze()
