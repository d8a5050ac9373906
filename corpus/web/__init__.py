"""A corpus to look at: `yuqi serve` is Datasette with this package's templates, pages and plugin, read-only."""
