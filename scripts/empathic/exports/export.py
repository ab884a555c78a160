"""What every reader of an export gives, whatever the platform."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Export:
    """One export, read. Platform ids are in it only in memory: nothing of it is written as it stands.

    raters, one row a submission: platform_id, submission (what tells two submissions of one participant apart: a
    ResponseId; else the platform_id), row, preview (no rater but a trial of the survey), finished, started (when),
    checks_shown (attention checks), checks_failed (of these, those failed or not answered), duration_s (seconds);
    missing where the export does not tell, or no rule asks.
    ratings, one row a rating: rater (the place of its submission in `raters`, from 0), row, column (both as in the
    file), item, rating, position (missing where not told), and what names the response: `reference`, or post_id,
    source, sample; source and domain where they are told; then the columns carried.
    Columns of text of the ratings are categoricals (see `coded`), those of the raters texts.
    identified_by: the columns of responses.csv that `reference` may stand in; none where post and source name it.
    empty_cells: cells for a rating that hold none.
    demographics: platform_id (unique), then what is told of a participant, as text; no rows where nothing is told.
    consent_revoked: the platform ids of those who took their consent back.
    repeated: submissions that stand in the file once more, cell for cell, and their ratings: they are in no table.
    told: what was read and is in none of these tables, counted, for a person who watches.
    """

    file: Path
    origin: str
    raters: pd.DataFrame
    ratings: pd.DataFrame
    identified_by: tuple[str, ...]
    carried: tuple[str, ...]
    empty_cells: int
    one_row_a_rater: bool
    demographics: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"platform_id": pd.array([], "string")}))
    consent_revoked: frozenset[str] = frozenset()
    repeated: tuple[int, int] = (0, 0)
    told: dict[str, int] = field(default_factory=dict)
