"""Sphinx settings. Everything the pages need is in this repository or made while they are built."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import superpose

project = "superpose"
author = "The superpose developers"
project_copyright = "2026, The superpose developers"
version = release = superpose.__version__

extensions = [
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery/*.ipynb", "gallery/*.py.md5", "gallery/*.json"]

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"plot_\w+\.py",
    "ignore_pattern": r"/(?!plot_)\w+\.py",  # lessons that need a table stay scripts
    "abort_on_example_error": True,
    "capture_repr": (),  # what is printed is shown, what is returned is not
    "download_all_examples": False,
    "show_signature": False,
    "copyfile_regex": "",
    "write_computation_times": False,
}

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say it in words, with shapes and units
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the class template lists them

templates_path = ["_templates"]
html_theme = "furo"
html_title = "superpose"
html_static_path = ["_static"]
html_css_files = ["superpose.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
