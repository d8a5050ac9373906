"""Bad input on purpose: what every reader of pages, archives, queries and declarations does with it."""
