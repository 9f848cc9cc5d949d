"""The pages in HTML: of a run, of the number game, and the index of several."""
