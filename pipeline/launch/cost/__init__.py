"""Cost of a submission: measured seconds of packs, and what jobs take in time, memory and the site's units."""
