"""The reference of the documentation, generated from the definitions that it is about."""
