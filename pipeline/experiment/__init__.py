"""The question: trials, packs, and what they cost."""
