"""Files of claims: what a paper, or a run, says of its sources, and by which test each claim is decided."""

import difflib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from empathic import features
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
# Tests that take an omnibus test over the sources named: of which terms (tables.SETS, test).
OMNIBUS = {"any difference": "source", "no interaction": "source:domain"}
# Features of a dictionary that a replicator holds, whose categories are not ours to list.
LIWC = "liwc_"


class Section(BaseModel):
    """A part of a claims file that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reported(Section):
    """What the paper reports, for a replicator who holds it to enter; empty: not entered."""

    estimate: float | None = None
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
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _holds_claims(self):
        if not self.claims:
            raise ValueError("there are no claims under `claims`")
        return self


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, of which YAML's own loader would drop the first."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        for number, (key, _) in enumerate(node.value):
            if key.value in keys[:number]:
                raise yaml.MarkedYAMLError(problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def read_all(paths: Iterable[Path | str]) -> dict[str, tuple[Claim, ...]]:
    """Read files of claims, by their paths as given.

    Raises InputError where a file is no claims file, or where two claims share an id, in one file or in two.
    """
    files = {str(path): read(path) for path in paths}
    where: dict[str, str] = {}
    for path, claims in files.items():
        for claim in claims:
            if claim.id in where:
                other = "this file" if where[claim.id] == path else where[claim.id]
                raise InputError(path, f"two claims have the id '{claim.id}', the other in {other}", "Rename one")
            where[claim.id] = path
    return files


def read(path: Path | str) -> tuple[Claim, ...]:
    """Read one file of claims: YAML, UTF-8, one key `claims` with a list. Raises InputError with all its mistakes."""
    try:
        content = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise InputError(path, "there is no such file", "Correct the path in the config, under `claims`") from None
    except UnicodeDecodeError as error:
        raise InputError(path, f"byte {error.start} is not UTF-8", "Save the file as UTF-8") from None
    except yaml.YAMLError as error:
        raise InputError(path, _yaml_problem(error), "Correct the YAML there") from None
    try:
        return _File.model_validate(content).claims
    except ValidationError as error:
        problems = "; ".join(_explain(mistake, content) for mistake in error.errors())
        raise InputError(path, problems, "Correct it; data/claims/paper.yaml is an example") from None


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{place}{getattr(error, 'problem', None) or error}"


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
