"""Strip rules as data: one TOML file per family."""
