"""Formulas as MathML, which every browser shows without a script from the network."""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

_VARIANT = re.compile(r'<mi mathvariant="(bold|normal)">([A-Za-z])</mi>')
_WORD = re.compile(r'(?:<mi mathvariant="normal">[A-Za-z]</mi>){2,}')


def mathml(latex: str, display: str) -> str:
    """A formula; `display` is block or inline.

    Browsers ignore the bold variant, so bold letters are written as the characters that Unicode
    has for them; upright words are kept in one piece.
    """
    text = _WORD.sub(_upright_word, convert(latex, display=display))
    return _VARIANT.sub(_letter, text)


def _upright_word(found: re.Match[str]) -> str:
    return f"<mtext>{''.join(letter for _, letter in _VARIANT.findall(found[0]))}</mtext>"


def _letter(found: re.Match[str]) -> str:
    letter = found[2]
    if found[1] == "normal":
        return f"<mtext>{letter}</mtext>"
    start = ord("𝐀") - ord("A") if letter.isupper() else ord("𝐚") - ord("a")
    return f'<mi mathvariant="normal">{chr(start + ord(letter))}</mi>'


def _visit_inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def _visit_block(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(
        f'<div class="math" style="margin: 1em 0">{mathml(node.astext(), "block")}</div>'
    )
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Make it the renderer of HTML pages."""
    app.add_html_math_renderer("mathml", (_visit_inline, None), (_visit_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
