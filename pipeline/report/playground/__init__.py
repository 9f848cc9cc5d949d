"""The playground: a page in which a person trains a tiny model step by step, beside its theory."""
