"""What survey platforms give: one reader a format, all to the same tables.

Platform ids are in these tables only, in memory; they, and whatever else names a person, are in no message: a row is.
"""

from empathic.exports.export import Export
from empathic.exports.old import read

__all__ = ["Export", "read"]
