"""Sphinx configuration of the documentation; ``make docs`` builds it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the pages that are generated

from pipeline import __version__

project = "pipeline"
author = "The pipeline authors"
project_copyright = "2026, the pipeline authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.doctest", "reference_pages.mathml", "reference_pages.writing"]
exclude_patterns = ["_build", "reference_pages", "reference/pictures"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"pipeline {__version__}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"top_of_page_buttons": []}
nitpicky = True
pygments_style = "friendly"
pygments_dark_style = "native"
doctest_global_setup = "import pipeline"
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_ignore = [r"https://doi\.org/.*"]  # publishers refuse programs
