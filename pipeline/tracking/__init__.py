"""W&B: a verified export of the records, and dashboards made from them. The only room that knows of it."""
