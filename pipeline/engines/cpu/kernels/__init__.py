"""Machine code for the training of one kind of network, written for it when it is first needed."""
