"""The mark of a byte that no character came of: what decoding writes and repair reads."""

INVALID_BYTE_BASE = 0x10FF00
"""A byte that doesn't decode is kept as chr(INVALID_BYTE_BASE + byte), in plane 16's private use area.

Repair needs the exact byte; normalize turns what is left of these marks into U+FFFD.
"""
