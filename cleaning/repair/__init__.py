"""Repair of damaged Chinese: a library on its own, from a str to a str with an account of every change.

>>> from cleaning.repair import repair
>>> edited = repair("\u61c9(y\u012bng)\u5c0d(du\xec)\u554f(w\xe8n)\u984c")
>>> edited.text
'\u61c9\u5c0d\u554f\u984c'
>>> edited.findings[0].certainty, edited.findings[0].evidence
('certified', '\u61c9(y\u012bng); forward(whole page) == input')

A shifted run, whose bytes an insertion tore, is read again and proved in the same way:

>>> repair("\u751a\u81f3?x\xed)\ue491\u8902\u5e42^\u70ba").text
'\u751a\u81f3\u6703\u4f7f\u7528\u8f03\u70ba'

Text that is not damaged comes back as it is:

>>> repair("\u4f60\u597d (n\u01d0 h\u01ceo)").findings
()

Nothing here knows of pages, files or databases: see `repair` for what else may be told to it, and
`cleaning.findings` for what comes back.
"""

from cleaning.repair.deleted import site_quotes
from cleaning.repair.pinyin import learn_table
from cleaning.repair.repair import repair
from cleaning.repair.site_table import SiteTable, merge_tables

__all__ = ["SiteTable", "learn_table", "merge_tables", "repair", "site_quotes"]
