"""Repair of damaged Chinese: a library on its own, from a str to a str with an account of every change.

>>> from cleaning.repair import repair
>>> repair("\u61c9(y\u012bng)\u5c0d(du\xec)\u554f(w\xe8n)\u984c").text
'\u61c9\u5c0d\u554f\u984c'
"""

from cleaning.repair.pinyin import learn_table
from cleaning.repair.repair import repair
from cleaning.repair.site_table import SiteTable, merge_tables

__all__ = ["SiteTable", "learn_table", "merge_tables", "repair"]
