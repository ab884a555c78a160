"""The report as a PDF, by the typst in Quarto, with the most hostile texts that it may meet."""

import re

import pages
import printed
import pytest
from hostile_run import CELL, DOMAIN, HOSTILE, TITLE
from made_up_run import ROOT

from empathic import settings
from empathic.errors import InputError
from empathic.report import render

LAST_HEAD = ["%", "of", "range"]  # of a table of contrasts
SHOWN = ROOT / "logs" / "test_report_pdf" / "report.pdf"  # for people to look at


@pytest.fixture(scope="module")
def pdf(hostile, quarto_folder):
    if reason := printed.missing():
        pytest.skip(reason)
    SHOWN.parent.mkdir(parents=True, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", quarto_folder, prepend=":")
        render.print_pdf(hostile.results, hostile.simulated, SHOWN, source=ROOT / "report", say=print)
    return printed.read(SHOWN)


def test_a_pdf_has_every_figure_and_table_of_the_page_under_the_same_number(pdf, without_quarto):
    captions = pages.read(without_quarto).captions

    assert len(captions) > 40
    assert [caption for caption in captions if printed.tight(caption) not in pdf.text] == []


def test_no_word_of_a_pdf_stands_beyond_its_page(pdf):
    assert pdf.pages > 20
    assert pdf.beyond == []


def test_numbers_of_a_pdf_stand_right_below_their_heads(pdf):
    three = zip(pdf.words, pdf.words[1:], pdf.words[2:], strict=False)
    heads = [(page, right) for *before, (page, right, word) in three if [*(b[2] for b in before), word] == LAST_HEAD]

    assert len(heads) > 2
    for page, right in heads:
        under = [word for on, end, word in pdf.words if on == page and end == pytest.approx(right, abs=0.1)]
        assert any(re.fullmatch(r"−?[0-9]+[.][0-9]", word) for word in under)


def test_hostile_texts_come_out_as_text_in_a_pdf(pdf):
    before, after = HOSTILE.split("\u202e")[0], HOSTILE.split("\u202c")[1] + CELL

    for text in (before, after):
        assert pdf.text.count(printed.tight(text)) == 3 * (1 + 3) + 6 * (1 + 2)
    assert printed.tight(f"Study {TITLE}") in pdf.text
    assert printed.tight(DOMAIN) in pdf.text


def test_no_reference_of_a_pdf_is_left_open(pdf):
    # The hostile texts hold `?@fig-none`: as text, in every post and response that is shown.
    assert pdf.text.count("?@") == pdf.text.count("?@fig-none[@lee2024]")


def test_a_pdf_has_of_the_config_what_is_no_default_and_the_page_the_whole(pdf, without_quarto):
    page = pages.read(without_quarto).text

    # A limit on the tokens of a response is what the config says, the penalty beside it a default.
    assert "max_new_tokens: 24" in page and "repetition_penalty: 1.1" in page
    assert printed.tight("max_new_tokens: 24") in pdf.text and "repetition_penalty" not in pdf.text


def test_a_pdf_without_quarto_is_refused_with_what_to_do(hostile, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(render.sys, "executable", str(tmp_path / "python"))

    with pytest.raises(InputError) as error:
        render.print_pdf(hostile.results, hostile.simulated, tmp_path / "report.pdf", say=print)

    assert str(error.value) == (
        "config, report > formats: a PDF is made by Quarto, and none that can was found. "
        "Install Quarto (https://quarto.org), or take pdf out of the formats."
    )
    assert not (tmp_path / "report.pdf").exists()


def test_a_report_is_a_page_unless_a_config_asks_for_more():
    assert settings.Report().formats == ["html"]
    assert settings.Report(formats=["html", "pdf"]).formats == ["html", "pdf"]
    with pytest.raises(ValueError, match="Input should be 'html' or 'pdf'"):
        settings.Report(formats=["docx"])
