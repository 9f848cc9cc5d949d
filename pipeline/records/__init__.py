"""Records: the tables that training writes, the packs they are written for, and how files are locked and replaced."""
