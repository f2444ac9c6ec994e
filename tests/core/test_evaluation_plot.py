"""The plot that `starpad eval` writes."""

from dataclasses import replace
from xml.etree import ElementTree

from starpad.core.evaluation import EvaluationRow, HoleKind
from starpad.core.evaluation_plot import to_svg

SVG = "{http://www.w3.org/2000/svg}"
ROW = EvaluationRow(
    "A & <B>", "Q4_K_M", "PSM", has_context=True, heals=False, kind=HoleKind.LINE, holes=10,
    exact=0.5, similarity=0.0, starts_right=0.6, still_parses=None, first_token_ms=40.0,
    first_token_p90_ms=80.0, tokens_per_second=30.0, prompt_tokens=900.0, evaluated_tokens=900.0,
)  # fmt: skip


def test_bars_are_as_long_as_their_numbers_are_large_and_kinds_stand_together() -> None:
    block = replace(ROW, kind=HoleKind.BLOCK, exact=0.25)
    picture = ElementTree.fromstring(to_svg([block, ROW]))
    bars = [float(bar.get("width", 0)) for bar in picture.iterfind(f"{SVG}rect[@class='bar']")]
    assert bars == [100, 50, 1, 1, 100, 100, 100, 100]
    texts = [text.text for text in picture.iterfind(f"{SVG}text")]
    assert texts[:2] == [
        "line · PSM · unhealed · with context · A & <B> · Q4_K_M",
        "block · PSM · unhealed · with context · A & <B> · Q4_K_M",
    ]
    description = picture.findtext(f"{SVG}desc")
    assert description is not None
    assert "50.0 % exact" in description, "for who cannot see it"


def test_nothing_gives_an_empty_picture() -> None:
    assert ElementTree.fromstring(to_svg([])).get("height") == "56"
