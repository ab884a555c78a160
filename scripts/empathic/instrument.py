"""What raters are asked: the items with their scales, and the attention checks."""

import math
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from empathic.errors import InputError, in_words

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
REMEDY = "Correct it there; data/instrument.yaml of this package shows the shape"


class Part(BaseModel):
    """A part of the instrument that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Scale(Part):
    """The answers that an item allows: min, min + step, ..., max."""

    min: float
    max: float
    step: float = Field(1, gt=0)

    @model_validator(mode="after")
    def _steps_lead_from_min_to_max(self):
        if self.max <= self.min:
            raise ValueError(f"max ({self.max:g}) is not above min ({self.min:g})")
        if not self.allows(self.max):
            raise ValueError(f"steps of {self.step:g} do not lead from {self.min:g} to {self.max:g}")
        return self

    @property
    def range(self) -> float:
        """max - min, in units of the scale."""
        return self.max - self.min

    @property
    def points(self) -> list[float]:
        """Every answer, in order."""
        return [self.min + self.step * step for step in range(round(self.range / self.step) + 1)]

    def allows(self, answer: float) -> bool:
        """Whether an answer lies on the scale."""
        steps = (answer - self.min) / self.step
        return self.min <= answer <= self.max and math.isclose(steps, round(steps), abs_tol=1e-6)

    def __str__(self) -> str:
        if len(self.points) <= 10:
            return ", ".join(f"{point:g}" for point in self.points)
        return f"{self.min:g} to {self.max:g} in steps of {self.step:g}"


class Item(Part):
    """A question that is asked about each response; `anchors` are the words at points of its scale."""

    name: Name
    wording: str = Field(min_length=1)
    scale: Scale
    anchors: dict[float, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _anchors_lie_on_the_scale(self):
        for point in self.anchors:
            if not self.scale.allows(point):
                raise ValueError(f"the anchor at {point:g} is not on the scale ({self.scale})")
        return self


class Average(Part):
    """Several items that are averaged into one; the result is called by this name wherever an item is."""

    name: Name
    items: list[Name] = Field(min_length=2)
    least_items: int | None = Field(
        None, ge=1, description="Averaged where so many of its items were answered; left out: all of them"
    )

    @property
    def least(self) -> int:
        """How many of its items a response must be answered on."""
        return self.least_items or len(self.items)


class AttentionCheck(Part):
    """A question whose answer is told: who gives another one does not read."""

    name: Name
    wording: str = Field(min_length=1)
    right_answer: float


class Instrument(Part):
    """All that a rater is asked."""

    items: list[Item] = Field(min_length=1)
    scales: list[Average] = Field(default_factory=list)
    attention_checks: list[AttentionCheck] = Field(default_factory=list)

    @model_validator(mode="after")
    def _names_are_unique(self):
        names = [part.name for part in [*self.items, *self.scales, *self.attention_checks]]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the name '{name}' stands twice")
        return self

    @model_validator(mode="after")
    def _averages_are_of_items_with_one_scale(self):
        known = {item.name: item for item in self.items}
        for average in self.scales:
            strange = [name for name in average.items if name not in known]
            if strange:
                raise ValueError(f"the scale '{average.name}' names '{strange[0]}', which is no item")
            if len(set(average.items)) < len(average.items):
                raise ValueError(f"the scale '{average.name}' names an item twice")
            if len({str(known[name].scale) for name in average.items}) > 1:
                raise ValueError(f"the items of the scale '{average.name}' are not answered on one and the same scale")
            if average.least > len(average.items):
                raise ValueError(f"the scale '{average.name}' has fewer items than least_items")
        return self

    def item(self, name: str) -> Item:
        """The item of that name, or the average of items that bears it, whose points are those of complete answers.

        Raises KeyError where there is none.
        """
        known = {item.name: item for item in self.items}
        if name in known:
            return known[name]
        average = {average.name: average for average in self.scales}[name]
        scale = known[average.items[0]].scale
        finer = Scale(min=scale.min, max=scale.max, step=scale.step / len(average.items))
        return Item(name=average.name, wording=f"the mean of {', '.join(average.items)}", scale=finer)


def read(path: Path | str, item: str) -> Instrument:
    """Read an instrument's YAML file, which must have the item that the models are fitted to.

    Raises InputError where the file is no YAML in UTF-8, a key is missing, unknown or of the wrong kind, a scale or an
    anchor makes no sense, or the item is not there.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        found = Instrument.model_validate(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path, f"no YAML in UTF-8 ({' '.join(str(error).split())})", REMEDY) from None
    except ValidationError as error:
        raise InputError(path, "; ".join(_explain(mistake) for mistake in error.errors()), REMEDY) from None
    names = [known.name for known in [*found.items, *found.scales]]
    if item not in names:
        raise InputError(
            path,
            f"no item '{item}' (found: {', '.join(names)})",
            "Name one of them in the config, under ratings > item, or add the item to the instrument",
        )
    return found


def _explain(mistake: dict) -> str:
    place = " > ".join(str(key + 1) if isinstance(key, int) else key for key in mistake["loc"]) or "the whole"
    return f"{place}: {'no such key' if mistake['type'] == 'extra_forbidden' else in_words(mistake)}"
