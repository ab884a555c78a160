"""Whatever happens to an export on its way: it is imported with sums that add up, or refused with a message.

The examples in data/examples are changed at random, in cells, rows, columns, bytes; what must come out is counted here
from the changed file, by rules that share no code with the readers.
"""

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import hypothesis
import pytest
import yaml
from hypothesis import strategies as st

from empathic import exports, instrument, posts, ratings, responses, settings, tables
from empathic.errors import InputError

ROOT = Path(__file__).parents[2]
CONFIG = settings.read(yaml.safe_load((ROOT / "configs" / "examples.yaml").read_text()))
KEY = "0" * 64
PLACE = r", row [0-9]+|, column '|line [0-9]+|place [0-9]+|'.+'"
WHOLE = ("the file is empty", "the file has no ", "no column is named for ", "no CSV", "its columns are separated ")
WHOLE += ("a text holds half a character", "no rater remains (")
# Each file that is changed: the study that it is of, its place among the exports, its header rows (0: JSON).
FILES = {
    "qualtrics.csv": ("qualtrics", 0, 3),
    "prolific.csv": ("qualtrics", 1, 1),
    "qualtrics_loops.csv": ("loops", 0, 3),
    "jspsych.csv": ("jspsych", 0, 1),
    "jspsych.json": ("jspsych", 1, 0),
    "long.csv": ("ratings_only", 0, 1),
}
EMPATHY = ["not at all", "hardly", "a little", "somewhat", "rather", "very", "extremely"]
WORDS = {word: number for number, word in enumerate(EMPATHY, start=1)} | {"cold": 1, "warm": 5}

CELLS = st.sampled_from(
    ["", " ", "0", "1", "5", " 5 ", "5.0", "05", "8", "-1", "-99", "4.5", "5,0", "1e309", "1_0", "nan", "inf", "\uff15"]
    + ["Very", "VERY", "warm", "Can't say", "NA", "null", "None", "True", "maybe", "h1", "m2", "zz", "p1", "model"]
    + [
        "=1+1",
        "+1",
        "-x",
        "@x",
        "\t5",
        "a\nb",
        "a\rb",
        'a"b',
        "a;b",
        "\ufeff",
        "\u202e",
        "\u00e9",
        "\x1f",
        "x" * 140_000,
    ]
    + [
        "{}",
        "{",
        "{empathy: 5}",
        '{"empathy": 5}',
        '{"empathy": {"a": 1}}',
        '{"other": 1}',
        '{"empathy": 5, "empathy": 6}',
    ]
    + ["DATA_EXPIRED", "CONSENT_REVOKED", "Survey Preview", "1|2", "2|2", "|", "1", "2", "3", "empathy", "warmth"]
    + ["02.06.2031 10:00", "6/2/2031 10:00", "2031-02-30 10:00:00", "2031-06-01T10:00:00Z", "45000"]
) | st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | CELLS | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(CELLS, inner, max_size=2),
    max_leaves=3,
)


@pytest.fixture(scope="module")
def texts():
    """The tables of responses that the examples are ratings of, by study."""
    known = posts.read(ROOT / "data/examples/posts.csv", origin="stand_in")
    parts = [
        responses.from_file(ROOT / "data/examples/responses.csv", source, kind, "stand_in", {"p1", "p2"})
        for source, kind in (("human", "human"), ("model", "archived"))
    ]
    table = responses.gather(known, parts)
    return {study: table if declared["posts"] else None for study, declared in CONFIG["studies"].items()}


def changed_rows(draw, rows, header_rows):
    """Rows of a CSV file with one thing changed."""
    rows = [list(row) for row in rows]
    row = draw(st.integers(0, len(rows) - 1))
    body = draw(st.integers(min(header_rows, len(rows) - 1), len(rows) - 1))
    column = draw(st.integers(0, max(len(rows[row]) - 1, 0)))
    what = draw(
        st.sampled_from(["cell"] * 6 + ["other cell", "add", "cut", "repeat", "drop", "swap", "column", "blank"])
    )
    if what == "cell" and rows[body]:
        rows[body][draw(st.integers(0, len(rows[body]) - 1))] = draw(CELLS)
    elif what == "other cell" and rows[row]:
        rows[row][column] = draw(CELLS)
    elif what == "add":
        rows[row].insert(column, draw(CELLS))
    elif what == "cut" and rows[row]:
        del rows[row][column]
    elif what == "repeat":
        rows.insert(draw(st.integers(0, len(rows))), list(rows[body]))
    elif what == "drop" and len(rows) > 1:
        del rows[row]
    elif what == "swap":
        rows[row], rows[body] = rows[body], rows[row]
    elif what == "column":
        other = draw(st.integers(0, max(len(rows[0]) - 1, 0)))
        take = draw(st.sampled_from(["drop", "repeat", "swap"]))
        for one in rows:
            if max(column, other) < len(one):
                if take == "drop":
                    del one[column]
                elif take == "repeat":
                    one.append(one[column])
                else:
                    one[column], one[other] = one[other], one[column]
    elif what == "blank":
        rows.insert(row, draw(st.sampled_from([[], [""] * len(rows[0])])))
    return rows


def changed_trials(draw, sessions):
    """jsPsych's JSON with one thing changed."""
    sessions = json.loads(json.dumps(sessions))
    session = draw(st.integers(0, len(sessions) - 1))
    if not isinstance(sessions[session], list) or not sessions[session]:
        return sessions
    trial = draw(st.integers(0, len(sessions[session]) - 1))
    what = draw(
        st.sampled_from(["value", "value", "answer", "answer", "drop key", "trial", "repeat", "drop", "session"])
    )
    here = sessions[session][trial]
    if what == "value" and isinstance(here, dict) and here:
        here[draw(st.sampled_from([*here, "label", "other"]))] = draw(JSON)
    elif what == "answer" and isinstance(here, dict) and isinstance(here.get("response"), dict):
        here["response"][draw(st.sampled_from(["empathy", "warmth", "attention_1", "other"]))] = draw(JSON)
    elif what == "drop key" and isinstance(here, dict) and here:
        del here[draw(st.sampled_from(sorted(here)))]
    elif what == "trial":
        sessions[session][trial] = draw(JSON)
    elif what == "repeat":
        sessions[session].append(here)
    elif what == "drop":
        del sessions[session][trial]
    elif what == "session":
        sessions[session] = draw(JSON)
    return sessions


def changed_bytes(draw, content):
    """The bytes of a file with one thing changed."""
    at = draw(st.integers(0, len(content)))
    what = draw(st.sampled_from(["cut", "byte", "insert", "replace", "encoding", "again"]))
    if what == "cut":
        return content[:at]
    if what == "byte":
        return content[:at] + draw(st.binary(min_size=1, max_size=1)) + content[at + 1 :]
    if what == "insert":
        return (
            content[:at]
            + draw(st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b"\xe9", b"\\", b";", b"{"]))
            + content[at:]
        )
    if what == "replace":
        swaps = [
            (b",", b";"),
            (b",", b"\t"),
            (b"\n", b"\r\n"),
            (b"\n", b"\r"),
            (b'"', b"'"),
            (b"1", b"2"),
            (b"QID", b"Q"),
        ]
        return content.replace(*draw(st.sampled_from(swaps)))
    if what == "encoding":
        coding = draw(st.sampled_from(["latin-1", "utf-16", "utf-16-le", "utf-8-sig", "utf-8"]))
        return (content.decode("utf-8", "replace") + "\u00e9\n").encode(coding, "replace")
    return content + content


@st.composite
def changed(draw, name):
    """A file of examples, changed in one to four places."""
    header_rows = FILES[name][2]
    content = (ROOT / "data" / "examples" / name).read_bytes()
    times = draw(st.integers(1, 3))
    if header_rows:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        for _ in range(times):
            rows = changed_rows(draw, rows, header_rows)
        handle = io.StringIO()
        csv.writer(handle, lineterminator="\n").writerows(rows)
        content = handle.getvalue().encode("utf-8", "replace")
    else:
        sessions = json.loads(content)
        for _ in range(times):
            sessions = changed_trials(draw, sessions)
        content = json.dumps(sessions).encode()
    return changed_bytes(draw, content) if draw(st.integers(0, 4)) == 0 else content


def answer(cell, codes):
    """What a cell says, by the examples' rules: a number, or None for no answer."""
    cell = cell.strip()
    if cell in codes:
        return codes[cell]
    return WORDS[cell.lower()] if cell.lower() in WORDS else float(cell)


def table(content, header_rows):
    """Rows that hold something, by column."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[header_rows:] if any(row)]


def wide(content, pattern, codes):
    """The ratings of a Qualtrics export: those of each submission once."""
    rows, seen, found = table(content, 3), set(), []
    for row in rows:
        own = row.get("ResponseId")
        if not own or own not in seen:
            found += [
                answer(cell, codes) for name, cell in row.items() if re.fullmatch(pattern, name, re.DOTALL) and cell
            ]
        seen.add(own)
    return found


def expected(name, content):
    """The ratings that a changed file holds, if it holds any that can be told."""
    codes = {str(number): number + 1 for number in range(7)} | {"null": None}
    if name == "qualtrics.csv":
        found = wide(content, "R_.+_(empathy|warmth)", {"-99": None})
    elif name == "qualtrics_loops.csv":
        found = wide(content, "[0-9]+_(Q3|Q4|empathy|warmth)", {"Can't say": None})
    elif name == "long.csv":
        rows = table(content, 1)
        asked = [row["answer"] for row in rows if row["question"] in ("empathy", "warmth")]
        found = [answer(cell, {"NA": None}) for cell in asked if cell]
    elif name == "jspsych.csv":
        found = []
        for row in table(content, 1):
            if row["task"] in ("rate", "empathy", "warmth", "check", "attention_1") and row["response"].startswith("{"):
                named = {key: said for key, said in json.loads(row["response"]).items() if row["label"]}
                said = [said for key, said in named.items() if key in ("rate", "empathy", "warmth")]
                found += [answer(str(one), codes) for one in said if one not in (None, "")]
            elif row["task"] in ("rate", "empathy", "warmth") and row["response"]:
                found.append(answer(row["response"], codes))
    else:
        found = [answer(said if isinstance(said, str) else json.dumps(said), {}) for said in answers_in_json(content)]
    return [one for one in found if one is not None]


def answers_in_json(content):
    def trials(value):
        return [one for part in value for one in trials(part)] if isinstance(value, list) else [value]

    text = content.decode("utf-8-sig")
    try:
        values = [json.loads(text)]
    except ValueError:
        values = [json.loads(line) for line in text.splitlines() if line.strip()]
    for trial in trials(values):
        if trial.get("label") in (None, ""):
            continue
        said = trial.get("response")
        if isinstance(said, str) and said.startswith("{"):
            said = json.loads(said)
        if not isinstance(said, dict):
            yield from [said] if said not in (None, "") else []
        else:
            yield from [said[key] for key in ("empathy", "warmth") if said.get(key) not in (None, "")]


def holds(name, content, texts, folder):
    """Import a changed file as its study does. Returns whether it was imported; what does not add up fails."""
    study, place, _ = FILES[name]
    declared = CONFIG["studies"][study]
    given, rules = declared["ratings"], declared["ratings"]["exclusions"]
    survey = instrument.read(ROOT / given["instrument"], "empathy")
    (folder / name).write_bytes(content)
    described = [one | {"file": str(ROOT / one["file"])} for one in given["exports"]]
    described[place]["file"] = str(folder / name)
    try:
        read = exports.read_all(described, survey, "empathy", rules)
        asked = ratings.Asked(survey, declared["sources"], rules, given["demographics"], given["age_bands"])
        merged = ratings.merge(read, texts[study], asked, private_key=lambda: KEY)
    except InputError as refused:
        where, _, what = str(refused).partition(": ")
        assert name in where or any(Path(one["file"]).name in where for one in described), "it names a file"
        assert re.search(PLACE, str(refused)) or what.startswith(WHOLE), refused
        return False
    if name != "prolific.csv":
        found, wanted = read[place].ratings["rating"].tolist(), expected(name, content)
        assert Counter(found) == Counter(wanted), "every rating of the file, and no other"
    for unit in ("raters", "ratings"):
        entered, *excluded, remaining = merged.flow[unit].tolist()
        assert entered == sum(excluded) + remaining
    assert merged.flow["ratings"].iloc[0] == sum(len(export.ratings) + export.repeated[1] for export in read)
    for schema, made in ((tables.RATINGS, merged.ratings), (tables.RATERS, merged.raters), (tables.FLOW, merged.flow)):
        schema.write(made, folder / "table.csv")
        assert len(schema.read(folder / "table.csv")) == len(made)
    return True


def test_the_examples_as_they_are_hold(texts, tmp_path):
    for name in FILES:
        assert holds(name, (ROOT / "data" / "examples" / name).read_bytes(), texts, tmp_path), name


def survives(name, texts, folder, cases, **how):
    """Change a file in so many ways. Returns how many were imported and how many refused."""
    outcomes = Counter()

    @hypothesis.settings(max_examples=cases, deadline=None, database=None, **how)
    @hypothesis.given(changed(name))
    def imported_or_refused(content):
        outcomes["imported" if holds(name, content, texts, folder) else "refused"] += 1

    imported_or_refused()
    return outcomes


@pytest.mark.parametrize("name", FILES)
def test_a_changed_export_is_imported_with_sums_that_add_up_or_refused(name, texts, tmp_path):
    """A few cases on every run, whose sums `holds` checks; so few may all be refused."""
    outcomes = survives(name, texts, tmp_path, 20, derandomize=True)

    assert outcomes.total() >= 20


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_two_thousand_changed_exports_are_imported_or_refused(name, texts, tmp_path):
    """Over all formats; with `-rP` pytest shows the outcomes."""
    outcomes = survives(name, texts, tmp_path, 340, print_blob=True)

    print(f"{name}: {outcomes['imported']} imported, {outcomes['refused']} refused")
    assert min(outcomes["imported"], outcomes["refused"]) > 34
