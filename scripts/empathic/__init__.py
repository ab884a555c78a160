"""The logic of the replication package. Importable, typed, and unaware of Snakemake."""

__version__ = "0.1.0"
