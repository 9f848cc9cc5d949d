"""Extensions: definitions of a user's own, in a Python file or an installed package, beside those that are built in."""
