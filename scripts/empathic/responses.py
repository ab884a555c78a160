"""All responses of a study in one table, whoever wrote them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from empathic import ids, sheets, tables
from empathic.errors import InputError
from empathic.posts import in_order

REMEDY = (
    "A file of responses has the columns post_id, source, text; optional sample, label, writer_id, model, "
    "generated_on, licence"
)


def from_records(records: Sequence[Mapping[str, Any]], source: str, say: Callable[[str], None]) -> pd.DataFrame:
    """The responses that a model gave: post_id, source, kind, sample, text, origin (observed).

    records: of one source, as gathered. Those with an error are left out, and said.
    Raises InputError where none is left.
    """
    failed = [record for record in records if record["error"]]
    for record in failed:
        say(f"{source}, post {record['post_id']}: left out, {record['error']}")
    kept = [record for record in records if not record["error"]]
    if not kept:
        raise InputError(f"source '{source}'", "it gave no answer at all", "See the errors in its records")
    rows = pd.DataFrame([(record["post_id"], record["sample"], record["text"]) for record in kept])
    return rows.set_axis(["post_id", "sample", "text"], axis=1).assign(
        source=source, kind=kept[0]["kind"], origin="observed"
    )


def from_file(
    path: Path | str,
    source: str,
    kind: str,
    origin: str,
    known_posts: set[str],
    columns: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """The responses in a file: as from_records, with the optional columns that it has.

    kind: human or archived. known_posts: the ids in the study's file of posts. columns: our name of a column to the
    file's own. Rows of other sources are not read.
    Raises InputError for a missing column, an empty cell, an unknown post, a response given twice, a column `origin`
    that says otherwise, a date that is not ISO, or no row at all.
    """
    sheet = sheets.read(path)[0].renamed(columns or {})
    mine = sheet.filled("source", REMEDY) == source
    if not mine.any():
        found = ", ".join(sorted(set(sheet.cells["source"])))
        raise InputError(path, f"no response of source '{source}' (found: {found})", "Correct the source column")
    sheet = sheets.Sheet(sheet.path, sheet.cells[mine])
    posts = sheet.filled("post_id", REMEDY)
    blank = sheet.filled("text", REMEDY).str.strip() == ""
    sheet.refuse(blank, "text", "the response is blank", "Write the response, or take the row out")
    strange = ~posts.isin(known_posts)
    sheet.refuse(
        strange, "post_id", f"'{sheets.first(posts, strange)}' is no post of this study", "Correct the id, or the posts"
    )
    sheet.agrees("origin", origin)
    rows = sheet.cells.assign(kind=kind, origin=origin)
    if "sample" in rows:
        sheet.filled("sample", REMEDY)
        rows["sample"] = sheet.numbers("sample", REMEDY, whole=True)
    else:
        rows["sample"] = 0
    twice = rows.duplicated(["post_id", "sample"])
    sheet.refuse(twice, "post_id", "a second response to this post", "Number them in a column sample, from 0")
    if "generated_on" in rows:
        dates = sheet.cells["generated_on"]
        wrong = dates.notna() & ~dates.map(_is_iso_date, na_action="ignore").fillna(True).astype(bool)
        problem = f"'{sheets.first(dates, wrong)}' is no ISO date"
        sheet.refuse(wrong, "generated_on", problem, "Write 2024-03-27, or empty the cell where the day is not known")
    return rows


def _is_iso_date(cell: str) -> bool:
    try:
        datetime.fromisoformat(cell)
    except ValueError:
        return False
    return True


def gather(posts: pd.DataFrame, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the responses of all sources, in the parts' order within each post, with ids and lengths (tables.RESPONSES).

    posts: tables.POSTS. Responses to posts that the study does not take are left out. model, generated_on and licence
    follow the contract's columns where a response has one.
    """
    joined = pd.concat([part.reindex(columns=_COLUMNS) for part in parts], ignore_index=True)
    joined = joined[joined["post_id"].isin(posts["post_id"])]
    by_id = posts.set_index("post_id")
    joined = joined.assign(
        domain=joined["post_id"].map(by_id["domain"]),
        n_words=joined["text"].str.split().str.len(),
        response_id=[
            ids.response_id(row.post_id, by_id.at[row.post_id, "text"], row.source, int(row.sample), row.text)
            for row in joined.itertuples()
        ],
    )
    carried = [name for name in _CARRIED if joined[name].notna().any()]
    return in_order(posts, joined)[[*tables.RESPONSES.names, *carried]]


def check(posts: pd.DataFrame, responses: pd.DataFrame, records: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Make sure that a study's tables are of one piece, as they must be before people rate its texts.

    posts: tables.POSTS. responses: tables.RESPONSES. records: of each source that was generated, by its name.
    Raises InputError where an id is not that of its texts, or a text is not that of its record.
    """
    texts = posts.set_index("post_id")["text"]
    written = {
        (source, record["post_id"], record["sample"]): record["text"]
        for source, of_source in records.items()
        for record in of_source
    }
    remedy = "It was changed after the package wrote it: delete it and start again"
    for number, row in enumerate(responses.itertuples(), start=2):
        known = ids.response_id(row.post_id, texts.get(row.post_id), row.source, int(row.sample), row.text)
        if row.response_id != known:
            problem = f"'{row.response_id}' is not the id of this post and response, which is '{known}'"
            raise InputError("responses.csv", problem, remedy, row=number, column="response_id")
        if row.source in records and written.get((row.source, row.post_id, int(row.sample))) != row.text:
            problem = f"the text is not that of the record of {row.source}"
            raise InputError("responses.csv", problem, remedy, row=number, column="text")


_CARRIED = [column.name for column in tables.RESPONSES.further]
_COLUMNS = ["post_id", "source", "kind", "sample", "label", "writer_id", "text", "origin", *_CARRIED]
