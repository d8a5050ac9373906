"""Corpus: storage and derivation. Knows cleaning; does not know Scrapy."""
