import pandas as pd
import pytest

from empathic import posts, tables
from empathic.errors import InputError


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "posts.csv"
        path.write_text(content, encoding="utf-8")
        return path

    return write


def message(path):
    with pytest.raises(InputError) as error:
        posts.read(path, origin="observed")
    return str(error.value).removeprefix(str(path))


def test_posts_keep_their_order_their_cells_and_their_further_columns(written):
    table = posts.read(
        written('year,text,post_id,domain\n2020,"Hi,\nyou",010,NA\n2021,  So. ,009,b\n'), origin="stand_in"
    )

    assert table.to_dict("records") == [
        {"post_id": "010", "domain": "NA", "text": "Hi,\nyou", "origin": "stand_in", "year": "2020"},
        {"post_id": "009", "domain": "b", "text": "  So. ", "origin": "stand_in", "year": "2021"},
    ]
    assert list(table) == [*tables.POSTS.names, "year"]


def test_a_column_origin_that_says_otherwise_than_the_config_is_refused(written):
    path = written("post_id,domain,text,origin\n1,b,x,\n2,a,x,observed\n3,a,x,simulated\n")

    assert message(path).startswith(", row 4, column 'origin': 'simulated' here, and `origin: observed` in the config")


def test_the_first_posts_of_each_domain_are_taken_in_the_file_s_order(written):
    content = "post_id,domain,text\n1,b,x\n2,a,x\n3,b,x\n4,a,x\n5,b,x\n"

    assert posts.read(written(content), origin="observed", per_domain=2)["post_id"].tolist() == list("1234")
    assert posts.read(written(content), origin="observed")["post_id"].tolist() == list("12345")


def test_more_posts_of_a_domain_than_it_has_are_refused_with_how_many_it_has(written):
    path = written("post_id,domain,text\n1,b,x\n2,a,x\n3,b,x\n4,a,x\n5,b,x\n6,c,x\n")

    with pytest.raises(InputError) as error:
        posts.read(path, origin="observed", per_domain=3)

    assert str(error.value) == (
        f"{path}: the config asks for 3 posts of each domain, and 'a' has 2, 'c' has 1. "
        "Set per_domain to 1 or less, leave it out to take all, or add posts."
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "id,domain,text\n1,a,x\n",
            ", column 'post_id': no such column (found: id, domain, text). "
            "A file of posts has the columns post_id, domain, text.",
        ),
        (
            "post_id,domain,texts\n1,a,x\n",
            ", column 'text': no such column (did you mean 'texts'?). "
            "A file of posts has the columns post_id, domain, text.",
        ),
        (
            "post_id,domain,text\n1,a,x\n1,b,y\n2,b,y\n",
            ", row 3, column 'post_id': '1' stands twice. Give each post an id of its own.",
        ),
        (
            "post_id,domain,text\n1,a,x\n2,a,\n",
            ", row 3, column 'text': the cell is empty. Every row needs one: fill it in, or take the row out.",
        ),
        (
            'post_id,domain,text\n1,a,x\n2,a," \n"\n',
            ", row 3, column 'text': the post is blank. Write the post, or take the row out.",
        ),
        (
            "post_id,domain,text\n1,,x\n",
            ", row 2, column 'domain': the cell is empty. Every row needs one: fill it in, or take the row out.",
        ),
    ],
)
def test_a_mistake_is_named_with_row_and_column(written, content, expected):
    assert message(written(content)) == expected


def test_rows_are_put_in_the_order_of_the_posts_and_of_the_samples():
    order = pd.DataFrame({"post_id": ["b", "a", "c"]})
    table = pd.DataFrame({"post_id": list("aabb"), "sample": [1, 0, 10, 2], "source": list("wxyz")})

    assert posts.in_order(order, table)["source"].tolist() == list("zyxw")
    assert posts.in_order(order, table.drop(columns="sample"))["source"].tolist() == list("yzwx")
    assert list(posts.in_order(order, table)) == list(table)
