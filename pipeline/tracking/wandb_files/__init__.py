"""The files of W&B's own client: its transaction log, which is written and read here."""
