"""Sphinx settings: furo, Markdown pages, an executed gallery, and pages made from the code."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

import mlip

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from command_pages import write_command_page  # noqa: E402 - live beside this file
from config_pages import write_config_pages  # noqa: E402

EXAMPLES = HERE.parent / "examples"
#: Scripts that are run: not 01, which trains for minutes; 03 if there is a trained model.
RUN = "23456" if (EXAMPLES / "benchmarks" / "silicon" / "model.safetensors").exists() else "2456"

project = "nearsight"
copyright = "the nearsight authors"
release = mlip.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "nearsight"
html_static_path: list[str] = []
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
napoleon_numpy_docstring = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
default_role = "code"
sphinx_gallery_conf = {
    "examples_dirs": str(EXAMPLES),
    "gallery_dirs": "gallery",
    "filename_pattern": rf"/0[{RUN}]_",
    "ignore_pattern": r"benchmarks|__init__",
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "download_all_examples": False,
}

write_config_pages(HERE / "generated")
write_command_page(HERE / "generated")


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", _keep_bars, priority=100)


def _keep_bars(
    _app: Sphinx, _what: str, _name: str, _object: object, _options: object, lines: list[str]
) -> None:
    """Docstrings write |det| as people do, which is markup in reStructuredText."""
    lines[:] = [line.replace("|", r"\|") for line in lines]
