"""``python -m pipeline``."""

import atexit
import gc

from pipeline.cli import main

OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""New objects after which the garbage collector looks for cycles; with Python's 700 importing PyTorch takes half as
long again.
"""

gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS, 10, 10)
atexit.register(gc.freeze)  # nor need it look through all modules when the process ends
raise SystemExit(main())
