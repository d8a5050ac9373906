"""Place names that masking knows, as data."""
