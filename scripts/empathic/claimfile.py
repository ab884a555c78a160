"""Files of claims: what a paper, or a run, says of its sources, and by which test each claim is decided."""

import difflib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from empathic import features, yamlfile
from empathic.errors import InputError, in_words
from empathic.tables import CERTAINTIES

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
# What a claim of each test names, and its family.
NEEDS = {
    "greater": ({"pairs"}, "primary"),
    "equivalent": ({"pairs"}, "primary"),
    "any difference": ({"sources"}, "primary"),
    "same order": ({"tiers"}, "primary"),
    "no interaction": ({"sources"}, "primary"),
    "style difference": ({"sources", "features"}, "style"),
}
# The paper that this package replicates, by its key in report/references.bib; and the certainty of a run's own claims.
LEE2024, OWN = "lee2024", "own"
# Tests that take an omnibus test over the sources named: of which terms (tables.SETS, test).
OMNIBUS = {"any difference": "source", "no interaction": "source:domain"}
# Features of a dictionary that a replicator holds, whose categories are not ours to list.
LIWC = "liwc_"


class Section(BaseModel):
    """A part of a claims file that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reported(Section):
    """What the paper reports, for a replicator who holds it to enter; empty: not entered."""

    estimate: float | None = Field(
        None, description="One figure; of a claim of one difference it gives a replication's prediction interval"
    )
    low: float | None = Field(None, description="Lower end of its interval")
    high: float | None = Field(None, description="Upper end of its interval")
    scale: str | None = Field(None, description="The scale it is given on, in words")
    page: str | int | None = None

    @model_validator(mode="after")
    def _in_order(self):
        given = [value for value in (self.low, self.estimate, self.high) if value is not None]
        if given != sorted(given):
            raise ValueError(f"low, estimate and high are not in this order: {', '.join(map(str, given))}")
        return self


Models = Annotated[tuple[Annotated[str, StringConstraints(min_length=1)], ...], Field(min_length=1)]


class Claim(Section):
    """A claim: what it says, how sure we are of it, and what decides it."""

    id: Name
    study: Name = Field(description="The study whose deciding model decides it")
    statement: str = Field(min_length=1, description="The claim, in paraphrase")
    certainty: Literal[CERTAINTIES] = Field(description="How sure we are that the paper says so; own: said by this run")
    family: Literal["primary", "style"] = Field(description="Claims of one family are adjusted together")
    test: Literal[tuple(NEEDS)]
    pairs: tuple[tuple[Name, Name], ...] = Field((), description="[higher, lower], each a source")
    tiers: tuple[tuple[Name, ...], ...] = Field((), description="Groups of sources, the higher first")
    sources: tuple[Name, ...] = Field((), description="All pairs of these are compared")
    features: tuple[Name, ...] = Field((), description="Features of style; with `liwc_` those of LIWC")
    arms: dict[Name, Models] = Field({}, description="Models that a source of it is, where not the file's")
    reported: Reported = Reported()

    @model_validator(mode="after")
    def _names_what_its_test_needs(self):
        needed, family = NEEDS[self.test]
        for key in ("pairs", "tiers", "sources", "features"):
            if bool(getattr(self, key)) != (key in needed):
                has = "needs" if key in needed else "has no use for"
                raise ValueError(f"the test '{self.test}' {has} `{key}`")
        if self.family != family:
            raise ValueError(f"the test '{self.test}' belongs to the family {family}, not {self.family}")
        return self

    @model_validator(mode="after")
    def _names_each_source_once(self):
        pairs = [tuple(sorted(pair)) for pair in self.pairs]
        lists = [self.sources, list(chain(*self.tiers)), *self.pairs, pairs, self.features]
        for names in lists:
            twice = [name for number, name in enumerate(names) if name in names[:number]]
            if twice:
                raise ValueError(f"named twice: {twice[0] if isinstance(twice[0], str) else ' and '.join(twice[0])}")
        if len(self.sources) == 1 or len(self.tiers) == 1:
            raise ValueError("there is nothing to compare with: name two at least")
        return self

    @model_validator(mode="after")
    def _features_are_known(self):
        for name in self.features:
            if name not in features.NAMES and not name.startswith(LIWC):
                raise ValueError(f"unknown feature '{name}'{_near(name, features.NAMES)}")
        return self

    @property
    def omnibus(self) -> bool:
        """Whether its test takes an omnibus test over its sources, of a model of ratings."""
        return self.test in OMNIBUS

    @property
    def named(self) -> list[str]:
        """The sources that the claim names, in its order."""
        return list(dict.fromkeys(chain(*self.pairs, *self.tiers, self.sources)))


class _File(Section):
    arms: dict[Name, Models] = Field(
        {}, description="For each source the names of the models that are it, the usual one first, or settings.PEOPLE"
    )
    claims: tuple[Claim, ...]
    paper: str | None = Field(
        None, min_length=1, description=f"Whose claims these are: {LEE2024}, or another paper's citation, in words"
    )

    @model_validator(mode="after")
    def _holds_claims(self):
        if not self.claims:
            raise ValueError("there are no claims under `claims`")
        return self

    @model_validator(mode="after")
    def _arms_are_named_by_a_claim(self):
        named = {source for claim in self.claims for source in claim.named}
        for source in self.arms:
            if source not in named:
                raise ValueError(f"arms: no claim names the source '{source}'{_near(source, named)}")
        return self

    @model_validator(mode="after")
    def _names_the_paper(self):
        if self.paper is None and any(claim.certainty != OWN for claim in self.claims):
            raise ValueError(f"claims of a paper need `paper:` above `claims:`, {LEE2024} or another's citation")
        return self

    def with_arms(self) -> tuple[Claim, ...]:
        """The claims, each with the arms of the sources that it names."""
        given = ({name: models for name, models in self.arms.items() if name in claim.named} for claim in self.claims)
        return tuple(
            claim.model_copy(update={"arms": arms | claim.arms}) for claim, arms in zip(self.claims, given, strict=True)
        )


def read_all(paths: Iterable[Path | str]) -> dict[str, tuple[Claim, ...]]:
    """Read files of claims, by their paths as given: YAML, UTF-8, a list under `claims`, and `arms` if need be.

    Raises InputError with all mistakes of a file, or where two claims share an id, in one file or in two.
    """
    return read_cited(paths)[0]


def read_cited(paths: Iterable[Path | str]) -> tuple[dict[str, tuple[Claim, ...]], dict[str, str | None]]:
    """The same, and whose claims each file holds, as it says; None: of no paper."""
    read_files = {str(path): _read(path) for path in paths}
    files = {path: file.with_arms() for path, file in read_files.items()}
    where: dict[str, str] = {}
    for path, claims in files.items():
        for claim in claims:
            if claim.id in where:
                other = "this file" if where[claim.id] == path else where[claim.id]
                raise InputError(path, f"two claims have the id '{claim.id}', the other in {other}", "Rename one")
            where[claim.id] = path
    return files, {path: file.paper for path, file in read_files.items()}


def _read(path: Path | str) -> _File:
    content = yamlfile.read(path, "Correct the path in the config, under `claims`")
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(_explain(mistake, content) for mistake in error.errors())
        raise InputError(path, problems, "Correct it; data/claims/paper.yaml is an example") from None


def _explain(mistake: Any, content: Any) -> str:
    keys = list(mistake["loc"])
    place = []
    if len(keys) > 1 and keys[0] == "claims":
        claim = content["claims"][keys[1]]
        place = [f"claim {keys[1] + 1}" + (f" ({claim['id']})" if isinstance(claim, dict) and "id" in claim else "")]
        keys = keys[2:]
    where = " > ".join(map(str, place + keys)) + ": " if place + keys else ""
    if mistake["type"] == "extra_forbidden":
        section = _File if not place else Reported if keys[0] == "reported" else Claim
        return f"{where}no such key{_near(str(keys[-1]), section.model_fields)}"
    if mistake["type"] == "literal_error":
        near = _near(
            str(mistake["input"]), mistake["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        )
        return f"{where}{mistake['input']!r} is none of {mistake['ctx']['expected']}{near}"
    return f"{where}{in_words(mistake)}"


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
