"""No result is typed into the report's prose: numbers there are computed, but for the few that are no results."""

import ast
import re

import pytest
from made_up_run import ROOT

SOURCES = sorted((ROOT / "report").rglob("*.qmd"))
MODULES = sorted((ROOT / "scripts" / "empathic" / "report").glob("*.py"))
NUMBER = re.compile(
    r"(?<![A-Za-z\d])\d+(?:[.,]\d+)*%?"
    r"|\b(?:three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|half|twice|hundred|thousand)\b",
    re.IGNORECASE,
)
# What is set by a method or by the design of this package, and by no run.
ALLOWED = [
    r"docs/\S+\.md",
    r"(?:90|95)% (?:bootstrap )?intervals?",
    r"unadjusted 5% level",
    r"coverage less 95%|three Monte Carlo errors",
    r"90% for an equivalence",
    r"95th percentile",
    r"per 100 words",
    r"4 bit|8 bit|SHA-256",
    r"< \.001",
    r"below \.05",
    r"five posts",
    r"first four words|three of each kind|runs of three words",
]


def prose_of(text):
    """What of a Quarto document is prose: no header, cell, inline code, line of structure, or attribute."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    text = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    return re.sub(r"`[^`]*`|\{\{<.*?>\}\}|\{[#.][^}]*\}|\[\[.*?\]\]", "", text)


def numbers_in(text):
    """The numbers of a prose that no rule allows; those in tags, attributes, references and citations are none."""
    for allowed in [r"<[^>]*>", r'\w+="[^"]*"', r"&#\d+;", r"@[\w-]+", *ALLOWED]:
        text = re.sub(allowed, "", text)
    return NUMBER.findall(text)


def sentences_of(module):
    """The texts of a module that a reader meets: those with a space in them, and no documentation."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
    notes = {id(node.body[0].value) for node in ast.walk(tree) if isinstance(node, documented) and _noted(node)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes
        if is_text and " " in node.value:
            yield node.lineno, node.value


def _noted(node):
    return node.body and isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_number_is_typed_into_the_prose_of_the_source(source):
    assert numbers_in(prose_of(source.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_no_number_is_typed_into_a_sentence_of_the_code(module):
    found = [(line, numbers_in(text), text) for line, text in sentences_of(module)]

    assert [one for one in found if one[1]] == []


@pytest.mark.parametrize(
    ("prose", "seen"),
    [
        ("The mean was 4.31, p = .012.", ["4.31", "012"]),
        ("Three of the claims hold in `{python} x`.", ["Three"]),
        ("With 95% intervals, as docs/a1.md says [@lee2024].", []),
        ("In 72.5% of them, 1,200 in all.", ["72.5%", "1,200"]),
        ("In NF4, 4 bit, two of them.", []),
        ("```{python}\nprint(1)\n```\nNo number.", []),
    ],
)
def test_a_typed_number_is_seen(prose, seen):
    assert numbers_in(prose_of(prose)) == seen
