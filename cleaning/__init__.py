"""Cleaning: bytes and str in, values out. No Scrapy, no SQLite, no network, no clock."""
