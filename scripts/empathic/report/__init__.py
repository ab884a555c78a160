"""The report: it reads what the other stages wrote, computes nothing but counts, and shows it on one page."""

# The report's cells import these; named here, they are among the modules that the rule depends on.
from empathic.report import blocks, figures, head, loading, methods, outcomes, reproducibility, words

__all__ = ["blocks", "figures", "head", "loading", "methods", "outcomes", "reproducibility", "words"]
