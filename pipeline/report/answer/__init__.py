"""What a run answers: which settings are best, and the sentences, figure and verdict that a page begins with."""
