import re
from dataclasses import replace

import pytest
import yaml
from made_up_run import ROOT, config_of, write

from empathic.errors import InputError
from empathic.report import expand, head, loading, reproducibility


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = write(tmp_path_factory.mktemp("run"))
    return loading.load(made.results, made.simulated)


def source(folder, **files):
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.qmd"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "report.qmd"


def test_includes_are_replaced_relative_to_the_including_file_and_only_where_they_stand_alone(tmp_path):
    path = source(
        tmp_path,
        report="a\n{{< include parts/one.qmd >}}\nin text {{< include parts/one.qmd >}}\n",
        parts__one="b\n{{< include two.qmd >}}\n",
        parts__two="c\n",
    )

    assert expand.included(path) == "a\nb\nc\nin text {{< include parts/one.qmd >}}\n"


def test_a_missing_part_is_named_with_the_file_that_includes_it(tmp_path):
    path = source(tmp_path, report="{{< include none.qmd >}}\n")

    with pytest.raises(InputError) as error:
        expand.included(path)

    assert str(error.value) == f"{path}: no such file: {tmp_path}/none.qmd. Mend the include's path."


def test_parts_that_include_each_other_are_refused(tmp_path):
    path = source(tmp_path, report="{{< include a.qmd >}}", a="{{< include report.qmd >}}")

    with pytest.raises(InputError, match=r"a\.qmd: it includes .*report\.qmd, which includes it\."):
        expand.included(path)


def test_blocks_follow_the_run_and_leave_braces_comments_and_lists_alone(tmp_path, run):
    text = (
        "{{< x >}} {# no comment #} [1] <!-- kept -->\n"
        "<!--% for study in studies if study.rated -->\n# [[study.name]]\n<!--% endfor -->\nend\n"
    )

    document = expand.document(source(tmp_path, report=text), run)

    assert document == "{{< x >}} {# no comment #} [1] <!-- kept -->\n# study1\n# study2\nend\n"


@pytest.mark.parametrize("wrong", ["<!--% for study in -->", "[[nothing]]", "<!--% if claims -->"])
def test_a_wrong_block_or_value_stops_with_the_file_named(tmp_path, run, wrong):
    path = source(tmp_path, report=wrong)

    with pytest.raises(InputError, match=rf"{path}: .*\. Mend the lines that begin with <!--% in it"):
        expand.document(path, run)


def test_the_structure_says_what_a_run_has(run):
    structure = expand.structure(run)

    assert structure["studies"][0] == {
        "name": "study1",
        "rated": True,
        "texts": True,
        "simulated": True,
        "truth": True,
        "others": True,
        "compared": True,
        "by_domain": True,
        "counted": True,
        "components": True,
        "claims_by_model": True,
        "left_out_in_turn": False,
        "multiverse": False,
        "power": False,
        "recovery": False,
        "compared_in_style": True,
    }
    assert (structure["claims"], structure["demo"], structure["awaiting"], structure["about_paper"]) == (
        True,
        True,
        False,
        True,
    )
    assert structure["title"] == "Large language models and perceived empathy&#58; a replication"


def test_a_run_whose_claims_are_its_own_is_not_about_the_paper(run):
    own = replace(run, claims=run.claims[run.claims.certainty == "own"])
    other = replace(run, claims=run.claims.assign(paper=run.claims.paper.replace("lee2024", "A. Body (2020), *Title*")))

    assert run.about_paper and not run.other_papers
    for not_about in (own, other, replace(run, claims=None)):
        document = expand.document(ROOT / "report" / "report.qmd", not_about)
        assert not not_about.about_paper
        assert "lee2024" not in document and "What is not known of the paper" not in document
        assert ("It looks for what others found" in document) == (not_about is other)
        assert ("Where this run departs from the paper" in document) == (not_about is other)
    assert head.other_papers(other) == "A&#46; Body &#40;2020&#41;&#44; &#42;Title&#42;"


def test_a_report_is_called_by_whose_claims_it_decides_unless_the_config_says_otherwise(run):
    own = run.claims[run.claims.certainty == "own"]
    other = run.claims.assign(paper=run.claims.paper.replace("lee2024", "A. Body (2020), *Title*"))

    def called(**changed):
        return head.title(replace(run, **changed))

    subject = "Large language models and perceived empathy"
    assert called() == called(claims=other) == f"{subject}: a replication"
    assert called(claims=own) == f"{subject}: a test of our own claims"
    assert called(claims=None) == subject
    named = run.config | {"report": run.config["report"] | {"title": "Mine: $x$"}}
    assert called(claims=own, provenance=run.provenance | {"config": named}) == "Mine: $x$"


def test_the_title_stands_above_the_report_and_in_what_to_cite(run):
    own = replace(run, claims=run.claims[run.claims.certainty == "own"])

    document = expand.document(ROOT / "report" / "report.qmd", own)

    assert 'title: "Large language models and perceived empathy&#58; a test of our own claims"' in document
    assert "a test of our own claims”, run smoke" in reproducibility.citation(own)


API = {"kind": "openai", "title": "a model behind an API", "model": "m-1", "licence": "terms", "max_tokens_total": 1000}


def sourced(folder, sources):
    """The document of a run of one study, of these sources alone."""
    config = config_of("configs/smoke.yaml") | {"claims": []}
    config["sources"] |= {"api": API}
    study = config["studies"]["study1"] | {"sources": sources, "posts_may_leave": True}
    del study["ratings"]
    config["studies"] = {"study1": study}
    if "human" not in sources:
        config["sources"]["human"]["responses"] = {}
    made = write(folder, config)
    return expand.document(ROOT / "report" / "report.qmd", loading.load(made.results, made.simulated))


# What the report says of each kind of sources: how they wrote, and whether their texts can be made again.
SAID = {
    "given": ["came as files"],
    "drawn": ["the package's own sampler", "each forward pass a fixed shape", "Texts that were drawn here come out"],
    "quantized": ["bitsandbytes", "@dettmers2023"],
    "asked": ["were asked of an API", "an endpoint promises nothing of the kind"],
}


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (["api"], {"asked"}),
        (["human"], {"given"}),
        (["smollm2_fp32"], {"drawn"}),
        (["smollm2_nf4", "api"], {"drawn", "quantized", "asked"}),
        (["human", "smollm2_nf4", "api"], set(SAID)),
    ],
    ids=lambda names: ", ".join(sorted(names)),
)
def test_of_each_kind_of_sources_it_is_said_how_they_wrote_and_of_no_other(tmp_path, sources, said):
    document = sourced(tmp_path, sources)

    for kind, parts in SAID.items():
        assert [part in document for part in parts] == [kind in said] * len(parts), kind
    assert "@dettmers2022" not in document, "no source of these is of 8 bit"


def test_every_reference_is_cited_somewhere_and_every_citation_has_its_reference():
    report = ROOT / "report"
    entries = re.findall(r"^@\w+\{([^,\s]+),", (report / "references.bib").read_text(encoding="utf-8"), re.M)
    sources = [*report.rglob("*.qmd"), *(ROOT / "scripts/empathic/report").glob("*.py")]
    cited = {
        key
        for path in sources
        for key in re.findall(r"@([a-z]+\d{4}[a-z]*|lenth|quarto|bitsandbytes)\b", path.read_text("utf-8"))
    }
    configs = [*(ROOT / "configs").glob("*.yaml"), ROOT / "config.yaml"]
    given = {
        key for path in configs for key in yaml.safe_load(path.read_text("utf-8")).get("report", {}).get("data_of", [])
    }

    assert len(entries) == len(set(entries))
    assert {*cited, *given} == set(entries)


def test_published_data_are_cited_where_the_config_names_them_and_an_unknown_key_is_refused(run):
    source = ROOT / "report" / "report.qmd"

    def of(*keys):
        report = run.config["report"] | {"data_of": list(keys)}
        return replace(run, provenance=run.provenance | {"config": run.config | {"report": report}})

    assert "on data that were published before [@welivita2024; @welivita2024chatgpt]." in expand.document(
        source, of("welivita2024", "welivita2024chatgpt")
    )
    assert "published before" not in expand.document(source, run)
    with pytest.raises(InputError, match=r"references\.bib: it has no 'nobody2020', which the config names"):
        expand.document(source, of("nobody2020"))


def test_only_a_measure_that_a_study_has_is_cited(run):
    source = ROOT / "report" / "report.qmd"
    study = run.studies["study1"]
    style = study.style.assign(feature=study.style.feature.replace({"emojis": "sentiment", "apologies": "empath_joy"}))

    measured = expand.document(source, replace(run, studies=run.studies | {"study1": replace(study, style=style)}))

    for citation in ("@hutto2014", "@fast2016"):
        assert citation in measured and citation not in expand.document(source, run)
