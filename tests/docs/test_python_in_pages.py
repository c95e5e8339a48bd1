"""Python that is shown compiles, and imports what there is; links, files and extras that are named
are there."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest
from pages import PAGES, ROOT, Block, blocks, names, prose

SHOWN = blocks("python")


@pytest.mark.parametrize("block", SHOWN, ids=names(SHOWN))
def test_imports_exist(block: Block) -> None:
    tree = ast.parse(block.text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            for name in node.names:
                assert hasattr(module, name.name), f"{node.module} has no {name.name}"


def test_pages_show_python() -> None:
    assert len(SHOWN) >= 6


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose(page)):
        if not re.match(r"https?://|#", target):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documents_and_roles_exist(page: Path) -> None:
    for target in re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", page.read_text(encoding="utf-8")):
        name = target.strip("/").removeprefix("../")
        if name.startswith("gallery/") and name != "gallery/index":
            assert (ROOT / "examples" / f"{Path(name).name}.py").exists(), target
        elif not name.startswith(("generated/", "gallery/")):
            assert (ROOT / "docs" / f"{name}.md").exists(), target
    for role, target in re.findall(r"\{py:(\w+)\}`(?:[^`<]*<)?([\w.]+)>?`", page.read_text()):
        module, _, name = target.rpartition(".")
        found = importlib.import_module(target if role == "mod" else module)
        assert role == "mod" or hasattr(found, name), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_a_page_lead_to_a_heading(page: Path) -> None:
    headings = re.findall(r"^#+ (.*)$", prose(page), re.M)
    slugs = {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }
    for target in re.findall(r"\]\(#([^)\s]+)\)", prose(page)):
        assert target in slugs, f"{page.name} has no heading {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = r"(?<![\w/.-])((?:tests|examples|cpp_ext|datasets|mlip)/[\w./*-]*[\w*])"
    for path in re.findall(named, page.read_text(encoding="utf-8")):
        if not path.endswith(".so"):  # built
            assert any(ROOT.glob(path)), f"{page.name}: there is no {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_extras_that_are_named_exist(page: Path) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for extra in re.findall(r"nearsight\[(\w+)\]", page.read_text(encoding="utf-8")):
        assert extra in extras["optional-dependencies"], f"{page.name}: nearsight[{extra}]"
