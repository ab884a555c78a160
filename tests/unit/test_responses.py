import pandas as pd
import pytest

from empathic import ids, responses, tables
from empathic.errors import InputError

POSTS = tables.POSTS.frame(
    {"post_id": post, "domain": f"domain of {post}", "text": f"text of {post}", "origin": "stand_in"} for post in "ba"
)


def record(post, text, sample=0, error=None):
    return {"kind": "transformers", "post_id": post, "sample": sample, "text": text, "error": error}


def from_file(tmp_path, content, known=frozenset("ab")):
    path = tmp_path / "responses.csv"
    path.write_text(content, encoding="utf-8")
    return responses.from_file(path, "human", "human", "observed", set(known))


def message(tmp_path, content):
    with pytest.raises(InputError) as error:
        from_file(tmp_path, content)
    return str(error.value).removeprefix(str(tmp_path / "responses.csv"))


def test_responses_of_people_and_models_become_one_table_in_the_order_of_posts_sources_and_samples(tmp_path):
    human = from_file(tmp_path, "post_id,source,text,writer_id,label\na,human,I am sorry.,w1,k1\nb,human,Oh no.,w2,\n")
    model = responses.from_records(
        [record("a", "Yes.", 1), record("a", "A  b\nc.", 0), record("b", "No.", 0), record("b", "Hm.", 1)],
        "llama",
        print,
    )

    table = responses.gather(POSTS, [human, model])

    assert table[["post_id", "source", "kind", "sample", "text", "n_words", "origin"]].to_dict("split")["data"] == [
        ["b", "human", "human", 0, "Oh no.", 2, "observed"],
        ["b", "llama", "transformers", 0, "No.", 1, "observed"],
        ["b", "llama", "transformers", 1, "Hm.", 1, "observed"],
        ["a", "human", "human", 0, "I am sorry.", 3, "observed"],
        ["a", "llama", "transformers", 0, "A  b\nc.", 3, "observed"],
        ["a", "llama", "transformers", 1, "Yes.", 1, "observed"],
    ]
    assert table["domain"].tolist() == ["domain of b"] * 3 + ["domain of a"] * 3
    assert table["response_id"].tolist()[3] == ids.response_id("a", "text of a", "human", 0, "I am sorry.")
    assert table["writer_id"].fillna("").tolist() == ["w2", "", "", "w1", "", ""]
    assert table["label"].fillna("").tolist() == ["", "", "", "k1", "", ""]
    tables.RESPONSES.write(table, tmp_path / "written.csv")
    assert tables.RESPONSES.read(tmp_path / "written.csv")["response_id"].tolist() == table["response_id"].tolist()


@pytest.mark.parametrize("kind", ["transformers", "openai"])
def test_a_response_has_the_kind_of_its_source(kind):
    made = responses.from_records([record("a", "x") | {"kind": kind}], "arm", print)

    assert made["kind"].tolist() == [kind]


def test_a_post_that_the_study_does_not_take_brings_no_response(tmp_path):
    human = from_file(tmp_path, "post_id,source,text\na,human,x\nb,human,y\n")

    assert responses.gather(POSTS[POSTS["post_id"] == "a"], [human])["post_id"].tolist() == ["a"]


def test_a_record_with_an_error_is_left_out_and_said():
    said = []
    records = [record("a", "", error="the model gave an empty answer"), record("b", "Fine.")]

    table = responses.from_records(records, "llama", said.append)

    assert table["post_id"].tolist() == ["b"]
    assert said == ["llama, post a: left out, the model gave an empty answer"]


def test_a_source_that_gave_no_answer_at_all_stops_the_run():
    with pytest.raises(InputError, match="^source 'llama': it gave no answer at all"):
        responses.from_records([record("a", "", error="refused")], "llama", lambda line: None)


def test_rows_of_other_sources_are_not_read_and_rows_are_counted_over_the_whole_file(tmp_path):
    content = "post_id,source,text\na,llama,x\nz,llama,\na,human,y\nz,human,y\n"

    assert message(tmp_path, content) == (
        ", row 5, column 'post_id': 'z' is no post of this study. Correct the id, or the posts."
    )


def test_a_column_origin_that_says_otherwise_than_the_config_is_refused(tmp_path):
    rows = "post_id,source,text,origin\na,human,x,observed\nb,human,y,"
    assert from_file(tmp_path, rows + "\n")["origin"].tolist() == ["observed", "observed"]
    assert len(from_file(tmp_path, rows + "\na,gpt4,z,simulated\n")) == 2  # another source's row

    assert message(tmp_path, rows + "stand_in\n") == (
        ", row 3, column 'origin': 'stand_in' here, and `origin: observed` in the config, which holds for the whole "
        "file. Correct one of them, give rows of other kinds a file of their own, or call the column otherwise where "
        "it means something else."
    )


def test_samples_are_numbered_and_kept(tmp_path):
    table = from_file(tmp_path, "post_id,source,text,sample\na,human,x,1\na,human,y,0\n")

    assert responses.gather(POSTS, [table])[["sample", "text"]].to_dict("split")["data"] == [[0, "y"], [1, "x"]]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "post_id,source,text\na,humans,x\nb,model,x\n",
            ": no response of source 'human' (found: humans, model). Correct the source column.",
        ),
        (
            "post_id,text\na,x\n",
            ", column 'source': no such column (found: post_id, text). "
            "A file of responses has the columns post_id, source, text; optional sample, label, writer_id, "
            "model, generated_on, licence.",
        ),
        (
            "post_id,source,text,generated_on\na,human,x,2024-03-27\nb,human,y,27 March\n",
            ", row 3, column 'generated_on': '27 March' is no ISO date. "
            "Write 2024-03-27, or empty the cell where the day is not known.",
        ),
        (
            "post_id,source,text\na,human,x\na,human,y\n",
            ", row 3, column 'post_id': a second response to this post. Number them in a column sample, from 0.",
        ),
        (
            'post_id,source,text\na,human," "\n',
            ", row 2, column 'text': the response is blank. Write the response, or take the row out.",
        ),
        (
            "post_id,source,text,sample\na,human,x,0\nb,human,y,\n",
            ", row 3, column 'sample': the cell is empty. Every row needs one: fill it in, or take the row out.",
        ),
        (
            "post_id,source,text,sample\na,human,x,.5\n",
            ", row 2, column 'sample': '.5' is not a whole number from 0 on. "
            "Correct the cell, or empty it where the value is not known.",
        ),
    ],
)
def test_a_mistake_in_a_file_of_responses_is_named(tmp_path, content, expected):
    assert message(tmp_path, content) == expected


def test_one_text_by_two_sources_or_in_two_samples_has_two_ids():
    model = responses.from_records([record("a", "Same.", 0), record("a", "Same.", 1)], "llama", print)
    other = responses.from_records([record("a", "Same.", 0)], "qwen", print)

    assert responses.gather(POSTS, [model, other])["response_id"].is_unique


def test_a_table_of_responses_has_the_contract_s_columns():
    made = responses.gather(POSTS, [responses.from_records([record("a", "x")], "llama", print)])

    assert list(made) == tables.RESPONSES.names
    assert isinstance(made, pd.DataFrame)


def test_an_archive_brings_its_model_day_and_licence_and_other_columns_stay_behind(tmp_path):
    path = tmp_path / "archive.csv"
    path.write_text(
        "post_id,source,text,model,generated_on,licence,cost\n"
        "a,gpt4,Oh.,gpt-4-1106-preview,2024-03-27,terms,1\n"
        "b,gpt4,Ah.,,2024-03-27T10:00:00+01:00,,2\n",
        encoding="utf-8",
    )
    archived = responses.from_file(path, "gpt4", "archived", "observed", {"a", "b"})
    model = responses.from_records([record("a", "Yes.")], "llama", print)

    table = responses.gather(POSTS, [archived, model])

    assert list(table) == [*tables.RESPONSES.names, "model", "generated_on", "licence"]
    tables.RESPONSES.write(table, tmp_path / "written.csv")
    read = tables.RESPONSES.read(tmp_path / "written.csv").fillna("")
    columns = ["post_id", "source", "kind", "origin", "model", "generated_on", "licence"]
    assert read[columns].to_dict("split")["data"] == [
        ["b", "gpt4", "archived", "observed", "", "2024-03-27T10:00:00+01:00", ""],
        ["a", "gpt4", "archived", "observed", "gpt-4-1106-preview", "2024-03-27", "terms"],
        ["a", "llama", "transformers", "observed", "", "", ""],
    ]


def test_several_writers_answer_a_post_and_each_is_kept(tmp_path):
    table = from_file(
        tmp_path, "post_id,source,text,sample,writer_id\na,human,Same.,0,w1\na,human,Same.,1,w2\nb,human,Hm.,0,w1\n"
    )

    gathered = responses.gather(POSTS, [table])

    assert gathered[["post_id", "sample", "writer_id"]].to_dict("split")["data"] == [
        ["b", 0, "w1"],
        ["a", 0, "w1"],
        ["a", 1, "w2"],
    ]
    assert gathered["response_id"].is_unique


@pytest.fixture
def of_one_piece(tmp_path):
    records = {"llama": [record("a", "Yes."), record("b", "No.")]}
    human = from_file(tmp_path, "post_id,source,text\na,human,x\n")
    return responses.gather(POSTS, [human, responses.from_records(records["llama"], "llama", print)]), records


def test_tables_of_one_piece_pass(of_one_piece):
    responses.check(POSTS, *of_one_piece)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("text", "Yes!", r"row 4, column 'response_id': '[0-9a-f]{16}' is not the id of this post and response"),
        ("sample", 1, "row 4, column 'response_id'"),
        ("response_id", "0" * 16, "row 4, column 'response_id': '0000000000000000' is not the id"),
    ],
)
def test_a_response_changed_by_hand_is_told_by_its_id(of_one_piece, column, value, expected):
    table, records = of_one_piece
    table.loc[table.index[(table["source"] == "llama") & (table["post_id"] == "a")], column] = value

    with pytest.raises(InputError, match=f"^responses.csv, {expected}"):
        responses.check(POSTS, table, records)


def test_a_post_changed_by_hand_is_told_by_the_ids_of_its_responses(of_one_piece):
    with pytest.raises(InputError, match="is not the id of this post"):
        responses.check(POSTS.assign(text="another post"), *of_one_piece)


def test_a_record_that_says_otherwise_than_the_response_is_told(of_one_piece):
    table, records = of_one_piece
    records["llama"][1]["text"] = "Never."

    with pytest.raises(InputError, match="^responses.csv, row 2, column 'text': the text is not that of the record of"):
        responses.check(POSTS, table, records)
