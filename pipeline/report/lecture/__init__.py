"""The lecture as a walk: its stations, what a reader is asked there, and the page that holds them."""
