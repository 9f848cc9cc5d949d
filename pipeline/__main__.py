"""``python -m pipeline``."""

from pipeline.cli import main
from pipeline.garbage_collection import collect_seldom

collect_seldom()
raise SystemExit(main())
