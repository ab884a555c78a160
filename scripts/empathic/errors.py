"""The one kind of error that the person who brought the data, or who runs the machine, can mend."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class InputError(Exception):
    """Bad input: where it stands, what was found, what was expected, and what to do."""

    def __init__(
        self, file: Path | str, problem: str, remedy: str, *, row: int | None = None, column: str | None = None
    ) -> None:
        """Compose the message.

        file: the file (or tool, or setting) at fault. row: its row as a spreadsheet counts them, header = 1.
        """
        place = str(file)
        if row is not None:
            place += f", row {row}"
        if column is not None:
            place += f", column '{column}'"
        super().__init__(f"{place}: {problem}. {remedy}.")


def in_words(mistake: Mapping[str, Any]) -> str:
    """What pydantic found at one place of a file, as a person would say it; `mistake` is one of its `errors()`."""
    if mistake["type"] == "missing":
        return "this key is missing"
    if mistake["type"] == "value_error":
        return str(mistake["ctx"]["error"])
    return f"{mistake['msg']} (found: {mistake['input']!r})"
