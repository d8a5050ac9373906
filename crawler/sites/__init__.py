"""Reviewed site declarations, one TOML file per site."""
