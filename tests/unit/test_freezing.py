import copy
import json
import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from made_up_run import ROOT, config_of

from empathic import files, freezing, settings
from empathic.errors import InputError

TEXTS = {"posts.csv": b"post_id\np1\n", "responses.csv": b"response_id\r\n\xc3\xa9\n", "generations/nf4.jsonl": b"{}\n"}


@pytest.fixture
def parts(tmp_path):
    for name, content in TEXTS.items():
        path = tmp_path / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {name: tmp_path / "results" / name for name in TEXTS}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "frozen" / "run" / "study1"


def message(function, *arguments):
    with pytest.raises(InputError) as error:
        function(*arguments)
    return str(error.value)


def contents(folder):
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_frozen_texts_are_the_bytes_that_were_given_write_protected_with_hashes_that_sha256sum_checks(folder, parts):
    sums = freezing.freeze(folder, parts, {"study": "study1"})

    found = contents(folder)
    assert {name: found[name][0] for name in TEXTS} == TEXTS
    assert set(found) == {*TEXTS, "plan.json", "SHA256SUMS"} == set(sums)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o444 for path in folder.rglob("*") if path.is_file())
    checked = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=folder, capture_output=True, text=True)
    assert checked.returncode == 0 and checked.stdout.count(": OK\n") == len(TEXTS) + 1
    assert sums["posts.csv"] == files.sha256_file(parts["posts.csv"])
    assert freezing.check(folder) == {"study": "study1"}
    assert [path.name for path in folder.parent.iterdir()] == ["study1"]


def test_a_second_freeze_of_other_texts_changes_nothing_and_names_what_differs(folder, parts):
    freezing.freeze(folder, parts, {"n": 1})
    before = contents(folder)
    parts["responses.csv"].write_bytes(b"others")
    parts.pop("generations/nf4.jsonl")

    assert message(freezing.freeze, folder, parts, {"n": 2}) == (
        f"{folder}: texts are frozen here already, and stay as they are; those of this run are others (responses.csv, "
        f"generations/nf4.jsonl). To take the frozen texts, say `frozen: {folder}` under the study; to freeze others, "
        "name the run otherwise."
    )
    assert contents(folder) == before


def test_a_second_freeze_of_the_same_texts_is_refused_too(folder, parts):
    freezing.freeze(folder, parts, {"n": 1})
    before = contents(folder)

    assert "stay as they are; those of this run are the same." in message(freezing.freeze, folder, parts, {"n": 2})
    assert contents(folder) == before


@pytest.mark.parametrize("what", ["folder", "file", "link"])
def test_whatever_lies_in_the_place_is_left_as_it_is(folder, parts, what):
    folder.parent.mkdir(parents=True)
    if what == "folder":
        folder.mkdir()
    elif what == "file":
        folder.write_text("mine")
    else:
        folder.symlink_to("nowhere")

    message(freezing.freeze, folder, parts, {})

    assert (folder.is_dir(), folder.is_symlink()) == (what == "folder", what == "link")
    assert [path.name for path in folder.parent.iterdir()] == ["study1"]


def test_a_freeze_that_fails_midway_leaves_nothing_and_what_a_killed_one_left_is_no_obstacle(folder, parts):
    gone = parts["responses.csv"]
    gone.rename(gone.with_suffix(".aside"))
    with pytest.raises(FileNotFoundError):
        freezing.freeze(folder, parts, {})
    assert list(folder.parent.iterdir()) == []

    gone.with_suffix(".aside").rename(gone)
    left = folder.with_name(".study1.partial")
    (left / "generations").mkdir(parents=True)
    (left / "generations" / "stale.jsonl").write_text("half")
    freezing.freeze(folder, parts, {})
    assert set(contents(folder)) == {*TEXTS, "plan.json", "SHA256SUMS"}
    assert not left.exists()


def test_of_two_freezes_at_once_the_first_stands(folder, parts):
    class Overtaken(dict):
        def items(self):
            if not folder.exists():
                files.write_text(folder / "posts.csv", "theirs")
            return super().items()

    assert "texts are frozen here already" in message(freezing.freeze, folder, Overtaken(parts), {})

    assert {name: content for name, (content, _) in contents(folder).items()} == {"posts.csv": b"theirs"}


def test_every_file_missing_changed_or_added_is_named_with_its_hashes_in_one_message(folder, parts):
    sums = freezing.freeze(folder, parts, {})
    (folder / "posts.csv").chmod(0o644)
    (folder / "posts.csv").write_bytes(b"abc")
    (folder / "generations" / "nf4.jsonl").unlink()
    (folder / "notes.txt").write_bytes(b"abc")
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2

    assert message(freezing.check, folder) == (
        f"{folder}: generations/nf4.jsonl is missing (SHA-256 {sums['generations/nf4.jsonl']}); posts.csv was changed: "
        f"SHA-256 was {sums['posts.csv']}, is {abc}; notes.txt was not there at freezing (SHA-256 {abc}). Ratings "
        "belong to the very texts that were rated: bring the folder back as it was frozen, from git or from a copy."
    )


def test_a_plan_changed_by_hand_is_told_like_a_text(folder, parts):
    freezing.freeze(folder, parts, {"declared": 1})
    (folder / "plan.json").chmod(0o644)
    (folder / "plan.json").write_text('{"declared": 2}\n')

    assert "plan.json was changed" in message(freezing.check, folder)


def test_a_folder_that_is_none_of_frozen_texts_is_told(tmp_path):
    assert message(freezing.check, tmp_path / "nowhere") == (
        f"{tmp_path}/nowhere: there is no such folder. `snakemake freeze` makes one; correct the path under `frozen`."
    )
    assert "it holds no frozen texts (no SHA256SUMS)" in message(freezing.check, tmp_path)
    (tmp_path / "SHA256SUMS").write_text("abc  posts.csv\n")
    assert "line 1 is no SHA-256 and name" in message(freezing.check, tmp_path)


@pytest.fixture
def config():
    return settings.read(config_of())


def made(config, study="study1"):
    return freezing.with_prompts(
        freezing.makers(config["studies"][study]["sources"], config["sources"], config["models"])
    )


def given(tmp_path, text="post_id\n", **changes):
    file = tmp_path / "given.csv"
    file.write_text(text)
    return freezing.with_hashes({"posts": {"file": str(file), "origin": "observed", "per_domain": None} | changes})


@pytest.fixture
def plan(config, tmp_path):
    # As it comes back from the disk.
    return json.loads(json.dumps({"makers": made(config), "given": given(tmp_path)}))


def disagreement(plan, makers, files_given):
    return message(freezing.agree, Path("data/frozen/r/study1"), plan, makers, files_given)


def test_a_config_that_says_the_same_of_its_texts_agrees_whatever_it_calls_or_splits_or_leaves_out(
    config, plan, tmp_path
):
    config["sources"]["smollm2_nf4"] |= {"title": "another", "shards": 4, "new_in_a_later_version": 1}
    config["models"]["smollm2"] |= {"title": "another", "note": "another", "licence": "another"}
    config["sources"]["human"]["responses"] = {}
    config["studies"]["study1"]["sources"].reverse()

    freezing.agree(Path("f"), plan, made(config), {})
    freezing.agree(Path("f"), plan, made(config), given(tmp_path))
    del plan["makers"]["smollm2_nf4"]["batch_size"]
    freezing.agree(Path("f"), plan, made(config), {})


def test_a_device_that_the_config_leaves_to_the_machine_contradicts_none(config, plan):
    config["sources"]["smollm2_nf4"]["device"] = "cuda"
    assert "device was cpu at freezing, is cuda now" in disagreement(plan, made(config), {})

    config["sources"]["smollm2_nf4"]["device"] = "auto"
    freezing.agree(Path("f"), plan, made(config), {})
    config["sources"]["smollm2_nf4"]["device"] = "cuda"
    plan["makers"]["smollm2_nf4"].pop("device")  # as `auto` is frozen: the records have it
    freezing.agree(Path("f"), plan, made(config), {})


WHEEL = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WEIGHTS = f"weights > sha256 was {WHEEL} at freezing, is {'0' * 64} now"


def test_settings_that_would_make_other_texts_are_named_with_what_they_were(config, plan):
    config["sources"]["smollm2_nf4"]["sampling"]["temperature"] = 0.7
    config["sources"]["smollm2_fp32"]["quantization"] = "int8"
    config["models"]["smollm2"]["sha256"] = "0" * 64

    assert disagreement(plan, made(config), {}) == (
        "data/frozen/r/study1: the config says otherwise of these frozen texts: "
        "sources > smollm2_nf4 > sampling > temperature was 0.2 at freezing, is 0.7 now; "
        f"sources > smollm2_nf4 > {WEIGHTS}; "
        "sources > smollm2_fp32 > quantization was none at freezing, is int8 now; "
        f"sources > smollm2_fp32 > {WEIGHTS}. "
        "Bring back what was, or take a file of posts or responses that has changed out of the config (the frozen "
        "texts count); for texts of another making declare another source."
    )


def test_a_prompt_is_compared_by_its_text_and_not_by_its_path(config, plan, tmp_path):
    text = (ROOT / "data/prompts/base.md").read_text(encoding="utf-8")
    other = tmp_path / "moved.md"
    for source in ("smollm2_nf4", "smollm2_fp32"):
        config["sources"][source]["prompt"] = str(other)
    other.write_text(text, encoding="utf-8")
    freezing.agree(Path("f"), plan, made(config), {})

    other.write_text(text + "Be brief.", encoding="utf-8")
    found = disagreement(plan, made(config), {})
    assert "sources > smollm2_nf4 > prompt was " in found
    assert files.sha256_text(text) in found and files.sha256_text(text + "Be brief.") in found
    assert str(tmp_path) not in json.dumps(made(config))


@pytest.mark.parametrize("listed", [["human", "smollm2_nf4"], ["smollm2_nf4", "smollm2_fp32", "human", "gpt"]])
def test_the_sources_are_those_frozen_no_more_and_no_fewer(config, plan, listed):
    config["sources"]["gpt"] = {"kind": "archived", "title": "g", "licence": "l", "responses": {}}
    config["studies"]["study1"]["sources"] = listed

    assert disagreement(plan, made(config), {}).startswith(
        f"data/frozen/r/study1: the study's sources are {', '.join(listed)}, the frozen ones human, smollm2_nf4, "
        "smollm2_fp32. "
    )


def test_a_source_of_another_kind_is_told(config, plan):
    config["sources"]["human"] = {"kind": "archived", "title": "h", "licence": "l", "responses": {}}

    assert "sources > human > kind was human at freezing, is archived now" in disagreement(plan, made(config), {})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"text": "post_id\np2\n"}, "posts > sha256 was "),
        ({"origin": "stand_in"}, "posts > origin was observed at freezing, is stand_in now"),
        ({"per_domain": 2}, "posts > per_domain was empty at freezing, is 2 now"),
    ],
)
def test_a_file_of_posts_that_a_config_still_names_is_the_one_that_was_frozen(
    config, plan, tmp_path, changes, expected
):
    assert expected in disagreement(plan, made(config), given(tmp_path, **changes))


INSTRUMENT = 'items: [{name: empathy, wording: "How empathic?", scale: {min: 1, max: 7}}]\n'
CLAIMS = """
claims:
  - {id: a, study: study1, statement: A., certainty: own, family: primary, test: greater, pairs: [[x, human]]}
  - {id: b, study: study2, statement: B., certainty: own, family: primary, test: greater, pairs: [[x, y]]}
"""


class Plan:
    """What a config declares of study1: changed by its parts."""

    def __init__(self, folder):
        self.instrument, self.claims = folder / "instrument.yaml", folder / "claims.yaml"
        self.instrument.write_text(INSTRUMENT)
        self.claims.write_text(CLAIMS)
        config = config_of()
        config["studies"]["study1"]["ratings"] = {"instrument": str(self.instrument)}
        self.study = settings.read(config)["studies"]["study1"]

    def declared(self):
        return freezing.declared(copy.deepcopy(self.study), [self.claims])

    def edit(self, file, before, after):
        assert before in file.read_text()
        file.write_text(file.read_text().replace(before, after))


@pytest.fixture
def now(tmp_path):
    return Plan(tmp_path)


@pytest.fixture
def then(now):
    return json.loads(json.dumps({"study": "study1", "declared": now.declared()}))


def changed(then, now, study="study1"):
    found = freezing.changes(study, then, json.loads(json.dumps(now.declared())))
    return [(change.what, change.was, change.now) for change in found]


def test_what_is_declared_is_kept_in_words_and_by_a_hash_that_can_be_made_again(now):
    now.instrument.write_bytes(INSTRUMENT.replace("\n", "\r\n").encode())
    declared = now.declared()

    assert declared["instrument"]["text"].replace("\r", "") == INSTRUMENT and declared["claims"][0]["text"] == CLAIMS
    assert declared["instrument"]["sha256"] == files.sha256_file(now.instrument)
    assert declared["claims"][0]["file"] == "claims.yaml"
    assert declared["exclusions"]["sha256"] == files.sha256_text(
        '[{"name":"revoked_consent"},{"name":"preview"},{"keep":"first","name":"duplicate"},{"name":"unfinished"},'
        '{"failed":1,"name":"attention"},{"name":"too_fast","seconds":180.0,"share_of_median":null},'
        '{"at_least":10,"name":"straight_lining"}]'
    )
    assert set(declared["models"]["value"]) == {"deciding", "two_intercept", "ordinal"}


def test_comments_order_and_places_of_files_are_no_changes(now, then, tmp_path):
    now.claims.write_text("# a comment\n" + yaml.safe_dump({"claims": yaml.safe_load(CLAIMS)["claims"][::-1]}))
    now.instrument.write_text("# a comment\n" + INSTRUMENT)
    now.study["models"] = dict(reversed(now.study["models"].items()))
    now.claims = now.claims.rename(tmp_path / "moved.yaml")

    assert changed(then, now) == []


def test_each_later_change_is_told_with_what_it_was(now, then):
    now.study["models"]["deciding"]["formula"] = "rating ~ source + (1 | rater_id)"
    now.study["inference"]["sesoi"] = 0.3
    rules = {rule["name"]: rule for rule in now.study["ratings"]["exclusions"]}
    rules["too_fast"]["seconds"] = 60
    now.study["ratings"]["exclusions"].remove(rules["attention"])
    now.study["sources"] = ["smollm2_nf4", "human", "smollm2_fp32"]
    now.edit(now.instrument, "How empathic?", "How kind?")
    now.edit(now.claims, "[[x, human]]", "[[human, x]]")

    assert changed(then, now) == [
        (
            "sources",
            '["human", "smollm2_nf4", "smollm2_fp32"]',
            '["smollm2_nf4", "human", "smollm2_fp32"]',
        ),
        ("models > deciding > formula", settings.DECIDING, "rating ~ source + (1 | rater_id)"),
        ("inference > sesoi", "0.2", "0.3"),
        ("exclusions > attention", '{"failed": 1}', "not declared"),
        ("exclusions > too_fast > seconds", "180.0", "60"),
        ("instrument > items > empathy > wording", "How empathic?", "How kind?"),
        ("claims > a > pairs", '[["x", "human"]]', '[["human", "x"]]'),
    ]


def test_claims_added_and_taken_out_are_told_and_those_of_other_studies_are_not(now, then):
    now.edit(now.claims, "id: a, study: study1, statement: A.", "id: c, study: study1, statement: C.")
    now.edit(now.claims, "statement: B.", "statement: Not B.")

    (gone, was, _), (added, _, is_now) = changed(then, now)
    assert (gone, added) == ("claims > a", "claims > c")
    assert '"statement": "A."' in was and '"statement": "C."' in is_now


def test_a_model_taken_out_and_an_exclusion_of_a_later_version_are_told(now, then):
    del now.study["models"]["two_intercept"]
    now.study["ratings"]["exclusions"].append({"name": "same_ip"})

    found = changed(then, now)

    assert [(what, is_now) for what, _, is_now in found] == [
        ("models > two_intercept", "not declared"),
        ("exclusions > same_ip", "{}"),
    ]
    assert found[1][1] == "not declared"


def test_what_was_not_declared_at_freezing_is_said_to_have_been_not(now):
    ratings = now.study["ratings"]
    now.study["ratings"] = None
    then = {"study": "study1", "declared": now.declared()}
    now.study["ratings"] = ratings

    found = changed(then, now)

    assert [(what, was) for what, was, _ in found] == [
        ("item", "not declared"),
        ("exclusions", "not declared"),
        ("instrument", "not declared"),
    ]


@pytest.mark.parametrize("content", ["items: [", "claims: 3", ""])
def test_a_file_that_says_nothing_any_more_is_named(now, then, content):
    now.claims.write_text(content)

    assert message(changed, then, now) == (
        "claims.yaml: it holds no claims that can be read. Correct the file, or its path in the config."
    )


def test_a_study_may_bear_another_name_than_at_freezing(now, then):
    now.edit(now.claims, "study: study1", "study: main")

    assert changed(then, now, study="main") == []
