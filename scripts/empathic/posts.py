"""The posts of a study: read, checked, and taken as the config asks."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from empathic import sheets
from empathic.errors import InputError

COLUMNS = ("post_id", "domain", "text")
REMEDY = "A file of posts has the columns post_id, domain, text"


def read(
    path: Path | str, *, origin: str, per_domain: int | None = None, columns: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Read a file of posts.

    origin: where they come from, carried into every row. per_domain: take the first so many of each domain. columns:
    our name of a column to the file's own.

    Returns the columns of tables.POSTS, in the file's order, further columns of the file behind.
    Raises InputError for a missing column, an empty cell, a post_id that stands twice, a column `origin` that says
    otherwise, or a domain that has fewer posts than per_domain.
    """
    sheet = sheets.read(path)[0].renamed(columns or {})
    for name in COLUMNS:
        sheet.filled(name, REMEDY)
    blank = sheet.cells["text"].str.strip() == ""
    sheet.refuse(blank, "text", "the post is blank", "Write the post, or take the row out")
    sheet.agrees("origin", origin)
    ids = sheet.cells["post_id"]
    twice = ids.duplicated()
    sheet.refuse(twice, "post_id", f"'{sheets.first(ids, twice)}' stands twice", "Give each post an id of its own")
    posts = sheet.cells.assign(origin=origin)
    if per_domain:
        _require_so_many(sheet, per_domain)
        posts = posts.groupby("domain", sort=False).head(per_domain)
    return posts[[*COLUMNS, "origin", *(name for name in posts if name not in (*COLUMNS, "origin"))]]


def _require_so_many(sheet: sheets.Sheet, per_domain: int) -> None:
    sizes = sheet.cells["domain"].value_counts(sort=False)
    if (sizes < per_domain).any():
        short = ", ".join(f"'{domain}' has {size}" for domain, size in sizes[sizes < per_domain].items())
        raise InputError(
            sheet.path,
            f"the config asks for {per_domain} posts of each domain, and {short}",
            f"Set per_domain to {sizes.min()} or less, leave it out to take all, or add posts",
        )


def in_order(posts: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table with post_id (and sample, where it has one) in the order of the posts."""
    place = pd.Series(range(len(posts)), index=posts["post_id"].to_numpy())
    by = ["place", *(["sample"] if "sample" in table else [])]
    ordered = table.assign(place=table["post_id"].map(place)).sort_values(by, kind="stable")
    return ordered.drop(columns="place")
