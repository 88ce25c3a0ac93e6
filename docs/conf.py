"""How the documentation site is built: ``sphinx-build -W docs build/site``. Nothing is fetched from a network."""

from __future__ import annotations

import daganalysis

project = "daganalysis"
author = "The daganalysis developers"
version = release = daganalysis.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb", "sphinx_copybutton"]
exclude_patterns = ["pictures/*.md"]
html_theme = "furo"
html_title = "daganalysis"
html_show_sphinx = False
html_copy_source = False
templates_path: list[str] = []

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # the notebooks are stored with what they print, and a test executes them

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "separated"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
suppress_warnings = ["myst.xref_missing"]  # links to folders and files of the repository that are no pages
