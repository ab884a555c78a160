"""What R said of a fit that is not the model itself: which fit it was stands before the words.

Those who fit write the notes, fit.json keeps them, and the report reads them: all by the forms here.
"""

import re

OPTIMIZER = "{name}: {note}"
RATIO = "likelihood-ratio test of {name}, {fixed}: {note}"
BEFORE = re.compile(r"(?:(?:likelihood-ratio test of .+?|[\w.-]+): )*")


def of_optimizer(name: str, note: object) -> str:
    """A note of a fit by another optimizer than the first."""
    return OPTIMIZER.format(name=name, note=note)


def of_ratio(name: str, fixed: str, note: object) -> str:
    """A note of a fit for a likelihood-ratio test, with the fixed part that was fitted."""
    return RATIO.format(name=name, fixed=fixed, note=note)


def words(note: str) -> str:
    """What R said, without of which fit."""
    return note[BEFORE.match(note).end() :]
