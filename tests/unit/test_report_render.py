import copy
import re
import shutil
import stat
import sys
import threading

import pages
import pandas as pd
import printed
import psutil
import pytest
from hostile_run import CELL, DOMAIN, HOSTILE, LONG, TITLE, TOLD, plain
from made_up_run import ROOT

from empathic.errors import InputError
from empathic.report import figures, render, words


def page_of(made, folder, engine="pandoc", source=ROOT / "report"):
    said = []
    path = folder / f"{engine}.html"
    render.render(made.results, made.simulated, path, engine=engine, source=source, say=said.append)
    return path, said


@pytest.fixture(params=["without_quarto", "by_quarto"])
def page(request):
    return pages.read(request.getfixturevalue(request.param))


def test_hostile_texts_come_out_as_text_and_nothing_of_them_is_run(page):
    # Each study shows one post a domain, and every source's response to it.
    assert page.text.count(plain(HOSTILE + CELL)) == 3 * (1 + 3) + 6 * (1 + 2)
    assert page.text.count(plain(HOSTILE + CELL + LONG)) == 3 * 3 + 6 * 2
    assert f"Study {TITLE}: participant flow of simulated raters" in page.text
    assert DOMAIN in page.text
    assert page.text.count(plain(TOLD)) == 2 * 2  # age and sex, in both studies
    assert page.run == []


def test_the_page_asks_nothing_of_a_network_and_is_small(page, without_quarto):
    assert page.asked == []
    assert without_quarto.stat().st_size < 6e6


def test_figures_have_descriptions_and_figures_and_tables_are_numbered_from_one(page):
    drawings = [caption for caption in page.captions if caption.startswith("Figure")]
    tables = [caption for caption in page.captions if caption.startswith("Table")]

    assert len(page.alternatives) == len(drawings) == 19
    assert all(len(alternative) > 40 for alternative in page.alternatives)
    assert page.tables == len(tables) > 30
    assert [caption.split(":")[0] for caption in drawings] == [f"Figure {n}" for n in range(1, 20)]
    assert [caption.split(":")[0] for caption in tables] == [f"Table {n}" for n in range(1, page.tables + 1)]


def test_no_two_parts_of_a_page_share_an_id_and_every_cell_names_heads_that_are_there(page):
    assert len(page.ids) == len(set(page.ids))
    assert len(page.heads) > 1000
    assert set(page.heads) <= set(page.ids)


def test_references_lead_to_what_they_name(page, without_quarto):
    both = re.search(r"(Figure \d+) and (Table \d+) give the estimated marginal means", page.text)
    for label in both.groups():
        assert any(one.startswith(f"{label}: ") and "estimated marginal means" in one for one in page.captions)
    assert "Table 1 lists all 6." in page.text
    assert '<a href="#fig-study1-means"' in without_quarto.read_text(encoding="utf-8")


def test_every_text_number_caption_and_description_is_the_same_by_both_roads(without_quarto, by_quarto):
    one, other = pages.read(without_quarto), pages.read(by_quarto)

    assert one.text == other.text
    assert one.captions == other.captions
    assert one.alternatives == other.alternatives


def test_the_numbers_of_the_tables_stand_on_the_page_and_in_the_summary(page, hostile):
    rows = [line.split(",") for line in (hostile.results / "study2/models/deciding/means.csv").read_text().splitlines()]
    overall = {row[0]: row for row in rows[1:] if row[1] == ""}
    _, _, estimate, _, _, low, high, _ = overall["smollm2_fp32"]

    shown = f"{words.number(float(estimate))} {words.interval(float(low), float(high))}"
    assert f"SmolLM2-135M in float32 (from Q4_1) {shown}" in page.text.split("Claims: of")[0]


def test_what_is_simulated_is_said_before_anything_else(page):
    assert "Simulated ratings, so nothing here is a finding about people" in page.text[: page.text.index("Contents")]
    assert "the ratings are simulated; no person gave them" in page.text
    assert "Study 2: the ratings are simulated" in page.text[: page.text.index("with 95% intervals")]


def test_no_rating_of_a_response_stands_beside_its_text(without_quarto):
    examples = without_quarto.read_text(encoding="utf-8").split("<details>")[1:]

    assert len(examples) == 3 + 6 + 4, "after them fold the config, twice, and the hashes of what was given and made"
    assert not any("rating" in plain(example.split("</details>")[0]).lower() for example in examples[:9])


def test_the_source_is_left_as_it_was_and_two_can_render_at_once(hostile, tmp_path):
    body = '```{python}\n#| output: asis\nprint(outcomes.means(run.studies["study1"]))\n```\n'
    source = small(tmp_path, body)
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    for path in [*source.rglob("*"), source]:
        path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    done = {}

    def one(name):
        (tmp_path / name).mkdir()
        done[name] = page_of(hostile, tmp_path / name, source=source)[0].read_bytes()

    both = [threading.Thread(target=one, args=(name,)) for name in ("first", "second")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    assert done["first"] == done["second"]
    assert b"Figure\xc2\xa01: Study A source" in done["first"]
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before


def small(folder, body):
    """A small report, so that a failure takes little time."""
    source = folder / "report"
    source.mkdir()
    for name in ("filter.lua", "style.css", "references.bib"):
        shutil.copy(ROOT / "report" / name, source)
    header = (ROOT / "report" / "report.qmd").read_text(encoding="utf-8").split("{{< include")[0]
    (source / "report.qmd").write_text(header.replace("# Summary", "") + body, encoding="utf-8")
    return source


FAILURES = {
    "cell": (
        "```{python}\n#| output: asis\nprint(1 / 0)\n```\n",
        "its code failed with ZeroDivisionError: division by zero.",
    ),
    "inline code": ("A `{python} none_such` here.\n", "name 'none_such' is not defined."),
    "reference": ("See @fig-none.\n", "no figure, table or reference for @fig-none."),
    "citation": ("See [@nobody2000].\n", "no figure, table or reference for nobody2000."),
}


@pytest.mark.parametrize(
    ("engine", "what"),
    [
        *(("pandoc", what) for what in FAILURES),
        *(("quarto", what) for what in ("cell", "reference")),
        *(pytest.param("quarto", what, marks=pytest.mark.slow) for what in ("inline code", "citation")),
    ],
)
def test_a_report_that_cannot_be_made_whole_is_not_made_and_one_message_says_why(
    hostile, tmp_path, request, engine, what
):
    if engine == "quarto":
        request.getfixturevalue("quarto")
    body, message = FAILURES[what]

    with pytest.raises(InputError) as error:
        page_of(hostile, tmp_path, engine, small(tmp_path, body))

    assert message in str(error.value)
    assert not (tmp_path / f"{engine}.html").exists()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("```{python}\n#| output: asis\n#| fig-cap: x\nprint(1)\n```\n", "a cell has the options"),
        ("```{python}\n#| output: asis\nblocks\n```\n", "a cell gave an output of type text/plain"),
        ("Five is `{python} 2 + 3`.\n", "the inline code `2 + 3` gives no Prose"),
    ],
)
def test_what_only_quarto_would_understand_is_refused_without_it(hostile, tmp_path, body, message):
    with pytest.raises(InputError, match=message.replace("+", r"\+")):
        page_of(hostile, tmp_path, source=small(tmp_path, body))


def test_a_table_changed_by_hand_stops_the_report_with_its_name(hostile, tmp_path):
    changed = copy.copy(hostile)
    results = tmp_path / "results" / "smoke"
    shutil.copytree(hostile.results, results)
    (results / "study1" / "flow.csv").write_text("step,reason\nentered,\n", encoding="utf-8")

    with pytest.raises(InputError, match=r"study1/flow\.csv: .*It was changed after the package wrote it"):
        page_of(type(changed)(results, hostile.simulated), tmp_path)


def test_asking_for_quarto_without_one_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    assert render.find_quarto("auto") is None
    assert render.find_quarto("pandoc") is None
    with pytest.raises(InputError) as error:
        render.find_quarto("quarto")

    assert str(error.value) == (
        "config, report > engine: it asks for quarto, and none from 1.4 on was found on PATH. "
        "Install Quarto (https://quarto.org), or set the engine to pandoc, which needs no Quarto."
    )


@pytest.mark.parametrize(("answer", "usable"), [("1.3.450", False), ("1.4.0", True), ("99.9.9", True), ("", False)])
def test_a_quarto_that_is_too_old_or_does_not_answer_counts_as_none(tmp_path, monkeypatch, answer, usable):
    path = tmp_path / "quarto"
    path.write_text(f"#!/bin/sh\necho '{answer}'\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert render.find_quarto("auto") == (path if usable else None)


def test_no_kernel_outlives_its_report(hostile, tmp_path):
    with pytest.raises(InputError):
        page_of(hostile, tmp_path, source=small(tmp_path, FAILURES["cell"][0]))

    kernels = [child for child in psutil.Process().children(recursive=True) if "ipykernel_launcher" in child.cmdline()]
    assert kernels == []


def test_every_saved_figure_of_data_that_are_not_observed_says_so_inside(saved_figures, without_quarto):
    if reason := printed.missing():
        pytest.skip(reason)
    names = {path.stem for path in saved_figures.iterdir()}
    assert len(names) == len(pages.read(without_quarto).alternatives)

    unsaid = set()
    for name in names:
        drawn = pd.read_csv(saved_figures / f"{name}.csv")
        text = printed.read(saved_figures / f"{name}.pdf").text
        said = any(printed.tight(stamp) in text for stamp in figures.STAMPS.values())
        assert said == (name != "rules" and set(drawn.get("origin", ["unknown"])) != {"observed"}), name
        unsaid |= {name} if not said else set()
    # The rules are no data, and the texts of Study 2 are what models wrote.
    assert unsaid == {"rules", "study2-style"}
