"""Sphinx settings: furo, Markdown pages, an executed gallery, and pages made from the code."""

import re
import shutil
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import mlip

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from benchmark_pages import write_benchmark_page  # noqa: E402 - live beside this file
from command_pages import write_command_page  # noqa: E402
from config_pages import write_config_pages  # noqa: E402

EXAMPLES = HERE.parent / "examples"

project = "nearsight"
copyright = "the nearsight authors"
release = mlip.__version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "mathml",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "generated/examples"]
html_theme = "furo"
html_math_renderer = "mathml"
html_title = "nearsight"
html_static_path: list[str] = []
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
napoleon_numpy_docstring = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_use_ivar = True
napoleon_custom_sections = ["Result"]
default_role = "code"
sphinx_gallery_conf = {
    "examples_dirs": str(HERE / "generated" / "examples"),
    "gallery_dirs": "gallery",
    "filename_pattern": r"/0[2-9]_",  # not 01, which trains for minutes
    "default_thumb_file": str(HERE / "images" / "silicon_parity.png"),
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "write_computation_times": False,
    "download_all_examples": False,
}


def copy_scripts(folder: Path) -> None:
    """The scripts alone: what else lies in the folder of examples is no part of the gallery."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in [EXAMPLES / "README.rst", *EXAMPLES.glob("[0-9][0-9]_*.py")]:
        shutil.copy2(path, folder)


copy_scripts(HERE / "generated" / "examples")
write_config_pages(HERE / "generated")
write_command_page(HERE / "generated")
write_benchmark_page(HERE / "generated", EXAMPLES / "benchmarks")


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-docstring", _as_numpydoc, priority=100)


def _as_numpydoc(*event: Any) -> None:
    """Docstrings write ``name : meaning``, return values as sentences and |det| as people do;
    napoleon wants a type after the colon and the meaning below, and a bar is markup in
    reStructuredText."""
    lines = event[-1]
    text = "\n".join(lines).replace("|", r"\|")
    text = re.sub(r"^(\w+(?:, \w+)*) : (.*)$", r"\1\n    \2", text, flags=re.MULTILINE)
    text = re.sub(r"^Returns\n-{7}$", "Result\n------", text, flags=re.MULTILINE)
    lines[:] = text.split("\n")
