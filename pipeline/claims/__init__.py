"""Claims of definitions, and how each is checked: of those that are built in by the tests, of others by ``check``."""
