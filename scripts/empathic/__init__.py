"""The logic of the replication package. Importable, typed, and unaware of Snakemake."""

import os

__version__ = "0.1.0"

# Read by the Hugging Face libraries as they are imported: a rule's log holds lines of our own, not bars.
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
