"""The report in a real browser, by both roads, with the most hostile texts that it may meet."""

import re
import subprocess

import browser
import printed
import pytest
from hostile_run import TOLD
from made_up_run import ROOT, config_of, write, write_many

from empathic import tables
from empathic.report import render

SHOTS = ROOT / "logs" / "test_report_browser"  # for people to look at
FOUND = """
    return [...document.querySelectorAll(arguments[0])].map(one => {
        const box = one.getBoundingClientRect();
        return {text: one.innerText, alt: one.alt, natural: one.naturalWidth, width: box.width, height: box.height,
                rows: one.rows?.length, head: one.querySelectorAll?.('th').length,
                caption: one.closest('figure')?.querySelector('figcaption')?.innerText};
    })
"""


@pytest.fixture(scope="module")
def chromium():
    if reason := browser.missing():
        pytest.skip(reason)
    with browser.opened() as one:
        yield one


@pytest.fixture(scope="module")
def axe():
    try:
        return browser.axe()
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(
            f"axe-core is not in cache/axe-core, and npm could not bring it ({error}): no page was judged by it"
        )


@pytest.fixture(scope="module", params=["without_quarto", "by_quarto"])
def opened(request, chromium):
    """The browser with a page open, what the page said and asked for, and its name."""
    page = request.getfixturevalue(request.param)
    said, asked = chromium.open(page)
    chromium.unfold()
    chromium.resize(1440)
    yield chromium, said, asked, request.param
    chromium.driver.get("about:blank")


def test_a_page_says_nothing_to_the_console_and_asks_nothing_of_a_network(opened):
    _, said, asked, _ = opened

    assert said == []
    assert asked == []


def test_every_figure_is_drawn_and_described_and_every_figure_and_table_has_its_caption(opened):
    chromium, *_ = opened
    figures = chromium.driver.execute_script(FOUND, "img, svg, canvas, object")
    tables = chromium.driver.execute_script(FOUND, "table")

    assert len(figures) >= 10 and len(tables) > 30
    for figure in figures:
        assert figure["natural"] > 100 and figure["width"] > 100 and figure["height"] > 60
        assert len(figure["alt"]) > 40
        assert figure["caption"].startswith("Figure\u00a0")
    for table in tables:
        assert table["caption"].startswith("Table\u00a0")
        assert table["rows"] > 1 and table["head"] > 0
        assert table["width"] > 100 and table["height"] > 20


SIDES = """
    const side = one => getComputedStyle(one).textAlign;
    return [...document.querySelectorAll('td[headers]')].map(cell => {
        const head = document.getElementById(cell.headers.split(' ').pop());
        return {text: cell.innerText, side: side(cell), head: side(head)};
    })
"""


def test_numbers_stand_right_and_words_left_each_under_a_head_on_its_side(opened):
    chromium, *_ = opened
    cells = chromium.ask(SIDES)

    assert len(cells) > 500
    assert [cell for cell in cells if cell["side"] != cell["head"]] == []
    sides = {cell["text"]: cell["side"] for cell in cells}
    assert (sides["4.50"], sides["[4.30, 4.70]"], sides["relationships"]) == ("right", "right", "left")


def test_no_reference_is_left_open_and_each_link_within_the_page_leads_to_what_it_names(opened):
    chromium, *_ = opened
    found = chromium.ask("""
        return [...document.querySelectorAll('a[href^="#"]')].map(one => {
            const target = document.getElementById(decodeURIComponent(one.hash.slice(1)));
            return {text: one.innerText, hash: one.hash, there: target !== null,
                    caption: target?.querySelector('figcaption')?.innerText,
                    heading: (target?.matches('h1, h2, h3') ? target : target?.querySelector('h1, h2, h3'))?.innerText};
        })
    """)

    assert [link["hash"] for link in found if not link["there"]] == []
    numbered = [link for link in found if link["caption"]]
    assert len(numbered) > 10
    assert [link for link in numbered if not link["caption"].startswith(f"{link['text']}:")] == []
    sections = chromium.ask("return [...document.querySelectorAll('nav#TOC a')].map(one => one.innerText)")
    headings = chromium.ask("return [...document.querySelectorAll('h1:not(.title), h2')].map(one => one.innerText)")
    assert [text for text in sections if text] == [text for text in headings if text != "Contents"]
    # The hostile texts hold `?@fig-none`: as text.
    left = "document.querySelectorAll('.text, td, th, pre').forEach(one => one.remove())"
    prose = chromium.ask(f"{left}; return document.body.innerText")
    chromium.driver.refresh()
    chromium.unfold()
    assert "Estimated means" in prose and "?@" not in prose


def test_the_contents_lead_to_their_sections(opened):
    chromium, *_ = opened
    chromium.ask("document.querySelector('nav#TOC a[href=\"#reproducibility\"]').click()")

    top = chromium.ask("return document.getElementById('reproducibility').getBoundingClientRect().top")

    assert 0 <= top < 450
    assert chromium.driver.current_url.endswith("#reproducibility")


def test_one_main_part_holds_all_sections(opened):
    chromium, *_ = opened

    outside = "return [...document.querySelectorAll('h1:not(.title), h2, figure')].filter(one => !one.closest('main'))"

    assert chromium.ask("return document.querySelectorAll('main').length") == 1
    assert [one.text for one in chromium.ask(outside) if one.text not in ("Contents", "Table of contents")] == []


@pytest.mark.parametrize("width", browser.WIDTHS)
def test_a_page_is_never_wider_than_its_window_and_a_picture_of_it_is_kept(opened, width):
    chromium, _, _, name = opened
    chromium.resize(width)

    chromium.unfold(False)
    assert chromium.wider() <= 0
    chromium.screenshot(SHOTS / f"{name}_{width}.png")
    chromium.unfold()
    assert chromium.wider() <= 0
    # Nor is anything hidden that would be.
    assert chromium.ask(
        "return [document.documentElement, document.body].map(one => getComputedStyle(one).overflowX)"
    ) == [
        "visible",
        "visible",
    ]


@pytest.mark.parametrize("width", browser.WIDTHS[::2])
def test_axe_finds_nothing_serious(opened, axe, width):
    chromium, *_ = opened
    chromium.resize(width)

    assert chromium.violations(axe) == []


def test_printed_no_table_is_cut(opened):
    if reason := printed.missing():
        pytest.skip(reason)
    chromium, _, _, name = opened
    place = SHOTS / f"{name}.pdf"
    chromium.print(place)

    pdf = printed.read(place)
    cells = chromium.ask("return [...document.querySelectorAll('td, th, figcaption')].map(one => one.textContent)")

    assert pdf.pages > 20
    assert pdf.beyond == []
    # What turns its direction round is read back in another order: of that, its last word.
    turned = [cell for cell in cells if "\u202e" in cell]
    assert turned == [TOLD] * 4
    left = [cell.rpartition(" ")[2] if cell in turned else cell for cell in cells]
    assert [cell for cell in left if printed.tight(cell) not in pdf.text] == []


BAD = """<!DOCTYPE html><html><head><title>x</title></head><body style="margin: 0">
<img src="http://example.org/x.png"><p style="color: #ddd">pale</p><div style="width: 2000px">wide</div>
<script>console.error('it said this')</script></body></html>"""


def test_what_is_wrong_with_a_page_is_seen(chromium, axe, tmp_path):
    (tmp_path / "bad.html").write_text(BAD, encoding="utf-8")

    said, asked = chromium.open(tmp_path / "bad.html")
    chromium.resize(1440)

    assert any("it said this" in line for line in said)
    assert asked == ["http://example.org/x.png"]
    assert chromium.wider() == 560
    assert {"image-alt", "color-contrast", "html-has-lang"} <= {rule for rule, *_ in chromium.violations(axe)}


def one_source():
    """A study of one source that people rated, and nothing else."""
    config = config_of("configs/smoke.yaml")
    config["claims"] = []
    study = config["studies"].pop("study2") | {"sources": ["smollm2_nf4"], "title": "One source"}
    study["ratings"] = {"exports": [{"file": "r.csv", "origin": "observed", "rights": "CC BY 4.0", "format": "long"}]}
    config["sources"]["human"]["responses"] = {}
    config["studies"] = {"study2": study}
    return config, ["One source was rated, so there is nothing to compare.", "estimated marginal means"]


def no_texts():
    config, said = one_source()
    config["studies"]["study2"].pop("posts")
    return config, ["This study has ratings and no texts, so there are no example responses."]


def no_ratings():
    config, _ = one_source()
    config["studies"]["study2"].pop("ratings")
    return config, ["This study awaits ratings: there are no means, contrasts or models yet."]


@pytest.fixture(params=["pandoc", "quarto"])
def road(request):
    """Each way of rendering."""
    if request.param == "quarto":
        request.getfixturevalue("quarto")
    return request.param


def shown(chromium, axe, made, folder, road, name):
    """The text of a run's page, made by a road, in which nothing is wrong at any width."""
    page = folder / "page.html"
    render.render(made.results, made.simulated, page, engine=road, source=ROOT / "report", say=print)
    assert chromium.faults(page, SHOTS / f"{name}_{road}", axe) == []
    return " ".join(chromium.ask("return document.body.innerText").split())


@pytest.mark.slow
def test_eight_sources_and_twelve_domains_fit_phones_and_screens(chromium, axe, tmp_path, road):
    text = shown(chromium, axe, write_many(tmp_path), tmp_path, road, "many")

    assert "Drawn are the 7 contrasts with the reference, of 28; the table has all." in text
    assert (tmp_path / "page.html").stat().st_size < 6e6


@pytest.mark.slow
@pytest.mark.parametrize("odd", [one_source, no_texts, no_ratings])
def test_a_study_that_lacks_much_reads_right_and_fits_a_phone(chromium, axe, tmp_path, odd, road):
    config, sentences = odd()
    made = write(tmp_path, config, fit={"status": "failed"})
    text = shown(chromium, axe, made, tmp_path, road, odd.__name__)

    assert [sentence for sentence in sentences if sentence not in text] == []
    assert ("It did not converge: no claim may rest on it." in text) == (odd is not no_ratings)
    assert "?@" not in text and "nan" not in text.lower().split()
    assert "to show how much hangs on the choice" not in text
    assert not re.search(r"\bLee\b", text)


@pytest.mark.slow
def test_a_run_with_its_own_claims_alone_speaks_of_no_paper(chromium, axe, tmp_path, road):
    config = config_of("configs/smoke.yaml") | {"claims": ["data/claims/default.yaml"]}
    made = write(tmp_path, config)
    claims = tables.CLAIMS.read(made.results / "claims.csv")
    tables.CLAIMS.write(claims.assign(certainty="own", paper=None), made.results / "claims.csv")
    text = shown(chromium, axe, made, tmp_path, road, "own")

    assert "All are this run’s own, and no paper’s." in text
    assert not re.search(r"\bLee\b", text) and "not known of the paper" not in text
