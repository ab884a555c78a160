"""What the report reads: the tables, texts and records of one run. Nothing is computed here but counts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from empathic import files, tables
from empathic.claimfile import LEE2024
from empathic.domains import domains_of
from empathic.instrument import Instrument
from empathic.origin import weakest
from empathic.settings import GENERATED, has_real_ratings, has_texts, is_rated

STYLE = (tables.STYLE_CONTRASTS, tables.CLASSIFIER, tables.DISTINCTIVE, tables.REPEATED, tables.LIKENESS)


@dataclass(frozen=True)
class Model:
    """A fitted model: fit.json and its tables."""

    name: str
    fit: dict[str, Any]
    fixed: pd.DataFrame
    random: pd.DataFrame
    tests: pd.DataFrame
    means: pd.DataFrame
    contrasts: pd.DataFrame
    interactions: pd.DataFrame
    random_effects: pd.DataFrame
    residuals: pd.DataFrame

    @property
    def units(self) -> str:
        """What its estimates are in, as words behind a noun: units of the ratings, or the scale of its link."""
        if self.fit["link"] == "identity":
            return "in units of the scale"
        latent = "the latent scale" if self.fit["family"] == "ordinal" else "the scale"
        return f"on {latent} of the {self.fit['link']} link"

    @property
    def tells_ratings(self) -> bool:
        """Whether it has means in units of the ratings: its own, or of an ordinal model the answers that it expects."""
        return self.fit["link"] == "identity" or "expected" in self.means

    @property
    def shown_means(self) -> pd.DataFrame:
        """Its means, in units of the ratings where it has such."""
        if "expected" not in self.means:
            return self.means
        known = {"estimate": "expected", "std_error": "expected_std_error"}
        known |= {"conf_low": "expected_conf_low", "conf_high": "expected_conf_high"}
        return self.means.assign(**{name: self.means[column] for name, column in known.items()})

    @property
    def overall(self) -> pd.DataFrame:
        """The contrasts over domains of equal weight."""
        return self.contrasts[self.contrasts.by.isna()]

    @property
    def by_domain(self) -> pd.DataFrame:
        """The contrasts within each domain."""
        return self.contrasts[self.contrasts.by.notna()]


@dataclass(frozen=True)
class Study:
    """One study, with what it has: a part that it lacks is None, or empty."""

    name: str
    settings: dict[str, Any]
    declared: dict[str, Any]
    posts: pd.DataFrame | None = None
    responses: pd.DataFrame | None = None
    quality: pd.DataFrame | None = None
    raters: pd.DataFrame | None = None
    ratings: pd.DataFrame | None = None
    flow: pd.DataFrame | None = None
    assignment: dict[str, pd.DataFrame] = field(default_factory=dict)
    reliability: dict[str, pd.DataFrame] = field(default_factory=dict)
    style: pd.DataFrame | None = None
    style_tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    count_tests: pd.DataFrame | None = None
    leave_one_out: pd.DataFrame | None = None
    multiverse: pd.DataFrame | None = None
    power: pd.DataFrame | None = None
    recovery: pd.DataFrame | None = None
    models: dict[str, Model] = field(default_factory=dict)
    generations: dict[str, pd.DataFrame] = field(default_factory=dict)
    instrument: Instrument | None = None
    truth: dict[str, Any] | None = None

    @property
    def title(self) -> str:
        """What the study is called where people read."""
        return self.settings["title"]

    @property
    def sources(self) -> list[str]:
        """Its sources, in the config's order."""
        return self.settings["sources"]

    def source_title(self, source: str) -> str:
        """What a source is called where people read."""
        return self.declared[source]["title"]

    def contrast_title(self, contrast: str) -> str:
        """A contrast `a - b` by the titles of its sources."""
        return " \N{MINUS SIGN} ".join(self.source_title(source) for source in contrast.split(" - "))

    @property
    def deciding(self) -> Model:
        """The model that decides."""
        return self.models["deciding"]

    @property
    def others(self) -> dict[str, Model]:
        """The models that stand beside it."""
        return {name: model for name, model in self.models.items() if name != "deciding"}

    @cached_property
    def used(self) -> pd.DataFrame:
        """The ratings that the models read: the included ones of the primary item."""
        return self.ratings[self.ratings.included & (self.ratings.item == self.settings["ratings"]["item"])]

    @property
    def item(self):
        """The primary item of the instrument."""
        return self.instrument.item(self.settings["ratings"]["item"])

    @property
    def domains(self) -> list[str]:
        """The domains of its posts, or of its ratings, in their order there."""
        return domains_of(self.ratings) if self.posts is None else list(self.posts.domain.unique())

    @property
    def simulated(self) -> bool:
        """Whether any rating is simulated."""
        return self.ratings is not None and "simulated" in set(self.ratings.origin)

    @cached_property
    def origins(self) -> dict[str, str]:
        """The weakest origin of its posts, its ratings, and of each source's responses: of those that it has."""
        found = {name: table for name, table in (("posts", self.posts), ("ratings", self.ratings)) if table is not None}
        if self.responses is not None:
            found |= {source: rows for source, rows in self.responses.groupby("source")}
        return {name: weakest(rows.origin) for name, rows in found.items() if len(rows)}


@dataclass(frozen=True)
class Run:
    """One run: all that its report says comes from here."""

    provenance: dict[str, Any]
    studies: dict[str, Study]
    claims: pd.DataFrame | None
    components: pd.DataFrame | None
    by_model: pd.DataFrame | None
    rules: pd.DataFrame

    @property
    def config(self) -> dict[str, Any]:
        """The config, as filled in."""
        return self.provenance["config"]

    @property
    def rated(self) -> list[Study]:
        """The studies that have ratings."""
        return [study for study in self.studies.values() if study.ratings is not None]

    @property
    def awaiting(self) -> list[Study]:
        """The studies whose texts await their raters."""
        return [study for study in self.studies.values() if study.ratings is None]

    def claims_by_model(self, study: Study) -> pd.DataFrame:
        """What other models than the deciding one would make of the claims of a study that one can be asked."""
        table = self._of_claims(study, self.by_model, tables.BY_MODEL)
        asked = table[["estimate", "p_for"]].notna().any(axis=1)
        return table[table.claim_id.isin(table.claim_id[asked])]

    def components_of(self, study: Study) -> pd.DataFrame:
        """The components of the claims of a study."""
        return self._of_claims(study, self.components, tables.COMPONENTS)

    def _of_claims(self, study: Study, table: pd.DataFrame | None, schema: tables.Table) -> pd.DataFrame:
        """The rows about claims of a study; none where the run has no claims."""
        if self.claims is None or table is None:
            return schema.frame([])
        return table[table.claim_id.isin(self.claims.claim_id[self.claims.study == study.name])]

    @property
    def wrote(self) -> dict[str, dict[str, Any]]:
        """The sources whose texts the run has, by name, as the config declares them."""
        with_texts = [study for study in self.studies.values() if study.posts is not None]
        return {source: declared for study in with_texts for source, declared in study.declared.items()}

    @property
    def kinds(self) -> set[str]:
        """The kinds of the sources whose texts the run has."""
        return {declared["kind"] for declared in self.wrote.values()}

    @property
    def quantized(self) -> set[str]:
        """In which bits weights of sources were quantized here: of `4 bit` and `8 bit` those that occur."""
        bits = {"nf4": "4 bit", "fp4": "4 bit", "int8": "8 bit"}
        return {bits[kind] for declared in self.wrote.values() if (kind := declared.get("quantization")) in bits}

    def measures(self, beginning: str) -> bool:
        """Whether a study has a feature of style whose name begins so."""
        tables_ = [study.style for study in self.studies.values() if study.style is not None]
        return any(table.feature.str.startswith(beginning).any() for table in tables_)

    @property
    def papers(self) -> list[str]:
        """The papers whose claims are decided, as their claims files name them."""
        return [] if self.claims is None else list(dict.fromkeys(self.claims.paper.dropna()))

    @property
    def about_paper(self) -> bool:
        """Whether claims of Lee et al. (2024) are among those decided: else the report is no replication of it."""
        return LEE2024 in self.papers

    @property
    def other_papers(self) -> list[str]:
        """The further papers whose claims are decided: their citations."""
        return [paper for paper in self.papers if paper != LEE2024]


def load(results: Path | str, simulated: Path | str) -> Run:
    """Read a run: results/{run}, and simulated/{run} where raters were simulated.

    Raises InputError where a table is no longer what the package wrote, OSError where one is missing.
    """
    results, simulated = Path(results), Path(simulated)
    provenance = files.read_json(results / "provenance.json")
    config = provenance["config"]
    studies = {name: _study(results / name, simulated / name, provenance, name) for name in config["studies"]}
    decided = bool(config["claims"])
    return Run(
        provenance,
        studies,
        *(
            table.read(results / table.path) if decided else None
            for table in (tables.CLAIMS, tables.COMPONENTS, tables.BY_MODEL)
        ),
        tables.RULES.read(results / tables.RULES.path),
    )


def _study(folder: Path, simulated: Path, provenance: dict[str, Any], name: str) -> Study:
    config = provenance["config"]
    settings = config["studies"][name]
    declared = {source: config["sources"][source] for source in settings["sources"]}
    parts: dict[str, Any] = {}
    if has_texts(settings):
        parts |= {"posts": tables.POSTS.read(folder / "posts.csv")}
        parts |= {"responses": tables.RESPONSES.read(folder / "responses.csv")}
        parts |= {"quality": tables.QUALITY.read(folder / "quality.csv")}
        parts |= {"style": tables.STYLE_SUMMARY.read(folder / "style" / "summary.csv")}
        asked = [tables.STYLE_RATINGS] if has_real_ratings(settings) else []
        asked += [tables.COUNT_MODELS] if settings["style"]["count_models"] else []
        parts["style_tables"] = {
            Path(table.path).stem: table.read(folder / "style" / Path(table.path).name) for table in (*STYLE, *asked)
        }
        generated = [source for source in declared if declared[source]["kind"] in GENERATED]
        parts["generations"] = {source: _records(folder / "generations" / f"{source}.jsonl") for source in generated}
    if is_rated(settings):
        parts |= {"raters": tables.RATERS.read(folder / "raters.csv")}
        parts |= {"ratings": tables.RATINGS.read(folder / "ratings.csv")}
        parts |= {"flow": tables.FLOW.read(folder / "flow.csv")}
        parts["assignment"] = _described(folder, (tables.POSITIONS, tables.RATED, tables.SEEN))
        parts["reliability"] = _described(folder, (tables.AGREEMENT, tables.SCALES, tables.SCALE_USE))
        parts |= {"count_tests": tables.COUNT_TESTS.read(folder / "count_tests.csv")}
        if "robustness" in config["report"]["include"]:
            parts |= {"leave_one_out": tables.LEAVE_ONE_OUT.read(folder / "leave_one_out.csv")}
            parts |= {"multiverse": tables.MULTIVERSE.read(folder / "multiverse.csv")}
        parts["models"] = {model: _model(folder / "models" / model) for model in settings["models"]}
        instrument = provenance["shown"][settings["ratings"]["instrument"]]
        parts["instrument"] = Instrument.model_validate(yaml.safe_load(instrument))
        if settings["ratings"]["simulate"]:
            parts["truth"] = files.read_json(simulated / "SIMULATED_truth.json")
    if len(settings["sources"]) > 1:
        asked = config["report"]["include"]
        planned = [table for table in (tables.POWER, tables.RECOVERY) if Path(table.path).stem in asked]
        parts |= _described(folder, planned)
    return Study(name, settings, declared, **parts)


def _described(folder: Path, described: Iterable[tables.Table]) -> dict[str, pd.DataFrame]:
    """Tables of a study that lie in a folder of their own, by the names of their files."""
    paths = [(table, Path(table.path).relative_to("{study}")) for table in described]
    return {path.stem: table.read(folder / path) for table, path in paths}


def _model(folder: Path) -> Model:
    # What tests of sets found is told by the claims that name them.
    shown = {name: table for name, table in tables.OF_A_FIT.items() if name != "sets"}
    found = {name: table.read(folder / Path(table.path).name) for name, table in shown.items()}
    return Model(folder.name, files.read_json(folder / "fit.json"), **found)


def _records(path: Path) -> pd.DataFrame:
    return pd.DataFrame(files.read_json_lines(path))
