"""Lightning is imported without what takes long and is not used, and nothing is missing afterwards."""

import subprocess
import sys

IMPORTED = """
import sys
from pipeline.training.lightning_import import import_lightning
import_lightning()
import pipeline.training.run
print("scipy.signal" in sys.modules)
import scipy.signal
print(len(scipy.signal.windows.hamming(8)))
import_lightning()
print(scipy.signal is sys.modules["scipy.signal"])
"""


def test_signal_processing_is_imported_by_those_who_use_it_alone():
    """In a process of its own: of this one nobody knows what was imported before."""
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "8", "True"]
