"""Every table that the package writes: its columns, what they mean, and what may stand in them.

One schema each: it checks a table whenever one is written or read, and docs/CODEBOOK.md is made from it
(empathic.codebook).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from empathic import coded, csvfile
from empathic.errors import InputError
from empathic.files import whole
from empathic.origin import ORIGINS

DTYPES = {"text": "string", "integer": "Int64", "number": "float64", "boolean": "boolean"}


@dataclass(frozen=True)
class Column:
    """A column: `kind` is a key of DTYPES; `allowed` lists its values where they are few."""

    name: str
    meaning: str
    kind: str = "text"
    missing: bool = False
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table: its path below results/{run}/, what a row is, its columns in order, and what identifies a row.

    further: columns that may follow those of the contract, and are checked where they do.
    """

    path: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    further: tuple[Column, ...] = ()

    @property
    def names(self) -> list[str]:
        """The contract's columns, in order."""
        return [column.name for column in self.columns]

    def frame(self, rows: Iterable[dict]) -> pd.DataFrame:
        """A table from records, with these columns and dtypes, further ones behind."""
        rows = list(rows)
        further = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in self.names]
        return self._typed(pd.DataFrame(rows, columns=self.names + further))

    def write(self, table: pd.DataFrame, path: Path | str) -> None:
        """Check a table and write it whole: contract columns first, further ones behind, empty cell = missing.

        Raises ValueError where the table breaks its schema: that is a fault of the package, not of the input.
        """
        further = [name for name in table if name not in self.names]
        table = self._typed(table)[self.names + further]
        faults = list(self._faults(table))
        if faults:
            raise ValueError(f"{self.path}: " + "; ".join(faults))
        with whole(path, "wb") as handle:
            csvfile.write(table, handle)

    def read(self, path: Path | str) -> pd.DataFrame:
        """Read a table as it was written. Raises InputError where it is no longer one."""
        text = {column.name: "string" for column in (*self.columns, *self.further) if column.kind == "text"}
        try:
            table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
            table = self._typed(table)
            faults = list(self._faults(table))
        except ValueError as error:
            faults = [str(error)]
        if faults:
            raise InputError(
                path, "; ".join(faults), "It was changed after the package wrote it: delete it and start again"
            )
        return table

    def _present(self, table: pd.DataFrame) -> tuple[Column, ...]:
        """The columns of the contract, and those of the further ones that a table has."""
        return *self.columns, *(column for column in self.further if column.name in table)

    def _typed(self, table: pd.DataFrame) -> pd.DataFrame:
        typed = {}
        for column in self._present(table):
            if column.name not in table:
                raise ValueError(f"no column '{column.name}'")
            try:
                values = table[column.name]
                recurs = column.kind == "text" and isinstance(values.dtype, pd.CategoricalDtype)
                typed[column.name] = values if recurs else values.astype(DTYPES[column.kind])
            except (TypeError, ValueError) as error:
                raise ValueError(f"column '{column.name}' is not all {column.kind} ({error})") from None
        return table.assign(**typed)

    def _faults(self, table: pd.DataFrame) -> Iterable[str]:
        for column in self._present(table):
            values = table[column.name]
            empty = 0 if column.missing else int(values.isna().sum()) + int((values == "").sum())
            if empty:
                yield f"column '{column.name}' has {empty} empty cells"
            strange = coded.occurring(values) - set(column.allowed) if column.allowed else ()
            if strange:
                yield f"column '{column.name}' holds {sorted(strange)[:3]}, allowed: {', '.join(column.allowed)}"
        if self.key and coded.recur(table[name] for name in self.key):
            yield f"rows that share ({', '.join(self.key)})"


def text(name: str, meaning: str, *, missing: bool = False, allowed: tuple[str, ...] = ()) -> Column:
    """A column of text."""
    return Column(name, meaning, "text", missing, allowed)


def integer(name: str, meaning: str, *, missing: bool = False) -> Column:
    """A column of whole numbers."""
    return Column(name, meaning, "integer", missing)


def number(name: str, meaning: str, *, missing: bool = False) -> Column:
    """A column of numbers."""
    return Column(name, meaning, "number", missing)


def boolean(name: str, meaning: str, *, missing: bool = False) -> Column:
    """A column of True and False."""
    return Column(name, meaning, "boolean", missing)


ORIGIN = text("origin", "observed, stand_in (written for the package) or simulated", allowed=ORIGINS)
POST_ID = text("post_id", "the post")
DOMAIN = text("domain", "the domain of the post")
SOURCE = text("source", "who answered: a name from the config's sources")
RESPONSE_ID = text("response_id", "first 16 hex digits of SHA-256 over [post_id, post, source, sample, response]")
RATER_ID = text("rater_id", "pseudonym of the rater; with .2, .3 ... behind: a further submission of the same rater")
INCLUDED = boolean("included", "False where an exclusion rule, named in `reason`, took it out of the models")
REASON = text("reason", "the first exclusion rule that it failed", missing=True)
ESTIMATE = number("estimate", "the estimate, in units of the rating scale (fixed effects of other families: link)")
FITTED = number("estimate", "in units of the rating scale (other families: link); empty: the fit failed", missing=True)
STD_ERROR = number("std_error", "its standard error", missing=True)
DF = number("df", "denominator degrees of freedom; inf: normal", missing=True)
STATISTIC = number("statistic", "estimate / std_error", missing=True)
P_VALUE = number("p_value", "two-sided p, unadjusted", missing=True)
CONF_LOW = number("conf_low", "lower end of the unadjusted 95% interval", missing=True)
CONF_HIGH = number("conf_high", "upper end of the unadjusted 95% interval", missing=True)

KINDS = ("human", "transformers", "openai", "archived")

POSTS = Table(
    "{study}/posts.csv",
    "a post that was answered",
    (POST_ID, DOMAIN, text("text", "the post"), ORIGIN),
    key=("post_id",),
)
RESPONSES = Table(
    "{study}/responses.csv",
    "a response that raters may be shown",
    (
        RESPONSE_ID,
        POST_ID,
        DOMAIN,
        SOURCE,
        text("kind", "kind of the source", allowed=KINDS),
        integer("sample", "number of the draw, from 0, where a source answers a post more than once"),
        text("label", "the lab's own key of the response", missing=True),
        text("writer_id", "who wrote it, where people did", missing=True),
        text("text", "the response"),
        integer("n_words", "words: runs of characters between white space"),
        ORIGIN,
    ),
    key=("response_id",),
    further=(
        text("model", "what wrote it, as the file of an archived response says", missing=True),
        text("generated_on", "when it was written, as that file says: an ISO date, or date and time", missing=True),
        text("licence", "its licence or terms, as that file says", missing=True),
    ),
)
# A check of responses, and the column that counts those that fail; the rules stand in checks.py, so that a limit can
# change without every table's rule running again.
CHECKED = {
    "too_short": "n_below",
    "too_long": "n_above",
    "truncated": "n_truncated",
    "refusal": "n_refusals",
    "says_ai": "n_say_ai",
    "prompt_leak": "n_prompt_leaks",
    "repetitive": "n_repetitive",
    "other_language": "n_other_language",
}
QUALITY = Table(
    "{study}/quality.csv",
    "a source: what it was asked and gave, and how many of its responses fail each check (docs/CODEBOOK.md, Checks)",
    (
        SOURCE,
        text("kind", "kind of the source", allowed=KINDS),
        integer("n_posts", "posts of the study"),
        integer("n_answered", "posts with at least one response of this source"),
        integer("n_asked", "responses asked for: posts times samples; empty where no record tells", missing=True),
        integer("n_errors", "of these, those that could not be had (`error` in their records)", missing=True),
        integer("n_empty", "of these, those that the model ended without a word", missing=True),
        integer("n_responses", "responses"),
        integer("asked_low", "the least words asked for (`asked_words` in the config); empty: any", missing=True),
        integer("asked_high", "the most words asked for; empty: any", missing=True),
        number("words_median", "median of n_words over the responses", missing=True),
        integer("n_inside", "responses of a length that was asked for", missing=True),
        *(
            integer(counted, f"responses that fail {check}; empty: none could be judged", missing=True)
            for check, counted in CHECKED.items()
        ),
        integer("n_language", "responses whose language was told: those long enough"),
        integer("n_flagged", "responses that fail at least one check"),
        text("origin", "the weakest of its responses; empty: it has none", missing=True, allowed=ORIGINS),
    ),
    key=("source",),
)
QUALITY_RESPONSES = Table(
    "{study}/quality_responses.csv",
    "a response, with what each check says of it (docs/CODEBOOK.md, Checks)",
    (
        RESPONSE_ID,
        POST_ID,
        SOURCE,
        integer("sample", "number of the draw, from 0"),
        integer("n_words", "words, as in responses.csv"),
        *(
            boolean(check, "True: it fails the check of this name; empty: not judged", missing=True)
            for check in CHECKED
        ),
        number("repeated_4grams", "share of its runs of four words that repeat an earlier one", missing=True),
        text("language", "the language found, by ISO 639; empty: too short to tell", missing=True),
        boolean("flagged", "it fails at least one check"),
        ORIGIN,
    ),
    key=("response_id",),
)
RATERS = Table(
    "{study}/raters.csv",
    "a rater who entered (revoked consent apart); the demographics that the config allows follow",
    (RATER_ID, INCLUDED, REASON, number("duration_s", "time taken, in seconds", missing=True), ORIGIN),
    key=("rater_id",),
)
RATINGS = Table(
    "{study}/ratings.csv",
    "one rating: a rater's answer to one item about one response",
    (
        RATER_ID,
        RESPONSE_ID,
        POST_ID,
        DOMAIN,
        SOURCE,
        text("item", "the item of the instrument, or the scale that averages several of them"),
        number("rating", "the answer, on the item's scale, or the average"),
        integer("position", "place in the rater's sequence, from 1", missing=True),
        INCLUDED,
        REASON,
        ORIGIN,
    ),
    key=("rater_id", "response_id", "item"),
)
FLOW = Table(
    "{study}/flow.csv",
    "a step of the participant flow: what entered, what left and why, what remains; averages of items are no ratings",
    (
        text("step", "entered, excluded or remaining", allowed=("entered", "excluded", "remaining")),
        text("reason", "the rule, for what was excluded", missing=True),
        integer("raters", "raters that entered, that this rule took out as the first they failed, or that remain"),
        integer("ratings", "their ratings"),
        integer("raters_any", "raters that fail this rule in whatever order", missing=True),
        integer("ratings_any", "their ratings", missing=True),
    ),
    key=("step", "reason"),
)
ENTERED = "before the exclusions"
REMAINING = "after them"
POSITIONS = Table(
    "{study}/assignment/positions.csv",
    "a source in a place of the raters' sequences, where places are known",
    (
        SOURCE,
        integer("position", "the place, from 1"),
        integer("entered", f"raters who saw the source there, {ENTERED}"),
        integer("remaining", f"likewise, {REMAINING}"),
    ),
    key=("source", "position"),
)
RATED = Table(
    "{study}/assignment/responses.csv",
    "a response, with how many raters rated it",
    (
        RESPONSE_ID,
        POST_ID,
        DOMAIN,
        SOURCE,
        integer("entered", f"raters who rated it, {ENTERED}"),
        integer("remaining", f"likewise, {REMAINING}"),
    ),
    key=("response_id",),
)
SEEN = Table(
    "{study}/assignment/raters.csv",
    "a rater, a source and a domain, where the rater rated responses of both",
    (
        RATER_ID,
        SOURCE,
        DOMAIN,
        integer("entered", f"responses that the rater rated, {ENTERED}"),
        integer("remaining", f"likewise, {REMAINING}"),
    ),
    key=("rater_id", "source", "domain"),
)
ALL_SOURCES = text("source", "the source of the responses; empty: all sources", missing=True)
AGREEMENT = Table(
    "{study}/reliability/agreement.csv",
    "an item and a source: how far raters agree on its responses (included ratings)",
    (
        text("item", "the item, or the scale that averages several"),
        ALL_SOURCES,
        integer("ratings", "ratings"),
        integer("responses", "responses rated"),
        integer("responses_twice", "of these, responses with two ratings or more: the others tell nothing"),
        integer("per_response_low", "the fewest ratings of a response"),
        number("per_response_median", "the median of them"),
        integer("per_response_high", "the most"),
        number("alpha_ordinal", "Krippendorff's alpha, ordinal", missing=True),
        number("icc_1", "ICC(1): one-way, of one rating", missing=True),
        number("icc_k", "ICC(k): one-way, of the mean of k ratings", missing=True),
        number("k", "ratings of a response that ICC(k) is for", missing=True),
        text("why", "why they are empty: not estimable, and what lacks", missing=True),
        ORIGIN,
    ),
    key=("item", "source"),
)
SCALES = Table(
    "{study}/reliability/scales.csv",
    "an average of several items and a source: how far the items agree (included ratings)",
    (
        text("scale", "the average, as the instrument calls it"),
        ALL_SOURCES,
        integer("items", "its items"),
        integer("answered", "answers of a rater to a response on one of the items or more"),
        integer("complete", "of these, those on all items: alpha and omega rest on them"),
        integer("averaged", "of these, those on so many items as the average asks for (`least_items`)"),
        number("alpha", "Cronbach's alpha", missing=True),
        number("omega", "McDonald's omega of one factor; empty for two items", missing=True),
        ORIGIN,
    ),
    key=("scale", "source"),
)
SCALE_USE = Table(
    "{study}/reliability/scale_use.csv",
    "a rater and an item: how the rater used its scale",
    (
        RATER_ID,
        INCLUDED,
        text("item", "the item, or the scale that averages several"),
        integer("ratings", "ratings given"),
        number("mean", "their mean"),
        number("std_dev", "their standard deviation", missing=True),
        number("lowest", "the lowest"),
        number("highest", "the highest"),
        integer("distinct", "different answers given"),
        number("most_used", "the answer given most often (of several the lowest)"),
        number("most_used_share", "its share of the ratings"),
        ORIGIN,
    ),
    key=("rater_id", "item"),
)
FEATURES = Table(
    "{study}/style/features.csv",
    "the style of one response; one column a feature (docs/CODEBOOK.md, Features)",
    (RESPONSE_ID, SOURCE, ORIGIN),
    key=("response_id",),
)
STYLE_SUMMARY = Table(
    "{study}/style/summary.csv",
    "one feature of one source, over its responses",
    (
        SOURCE,
        text("feature", "the feature"),
        number("mean", "mean over the responses of the source; empty: none has a value", missing=True),
        number("std_dev", "standard deviation over the responses", missing=True),
        integer("n", "number of responses"),
        ORIGIN,
    ),
    key=("source", "feature"),
)
STYLE_COUNTS = Table(
    "{study}/style/counts.csv",
    "the counts behind the rates of features.csv, for one response; one column a feature",
    (RESPONSE_ID, SOURCE, ORIGIN, integer("n_words", "words, as in responses.csv")),
    key=("response_id",),
)
TEXTS_FOR_LIWC = Table(
    "{study}/style/texts_for_liwc.csv",
    "a response, as LIWC-22 is fed (its results come back by `style: liwc_results:`)",
    (RESPONSE_ID, text("text", "the response")),
    key=("response_id",),
)
STYLE_CONTRASTS = Table(
    "{study}/style/contrasts.csv",
    "a difference of two sources in one feature, over the posts that both answered",
    (
        text("feature", "the feature"),
        text("contrast", "a - b, in the order of the config's sources"),
        number(
            "estimate", "mean difference over posts, in the feature's unit; empty: they share no post", missing=True
        ),
        number("std_error", "its standard error, by drawing whole posts", missing=True),
        number(
            "p_value", "two-sided p by swaps inside posts, unadjusted; empty: no two responses differ", missing=True
        ),
        number("p_adjusted", "Benjamini and Hochberg's p over all features and pairs of the study", missing=True),
        number("conf_low", "lower end of the 95% interval, by drawing whole posts", missing=True),
        number("conf_high", "its upper end", missing=True),
        number("d", "estimate / sd", missing=True),
        integer("family_size", "tests adjusted together"),
        ORIGIN,
        number("sd", "SD of the feature among responses of one source, pooled over the study's sources", missing=True),
        integer("n_posts", "posts with a value of both"),
    ),
    key=("feature", "contrast"),
)
CLASSIFIER = Table(
    "{study}/style/classifier.csv",
    "how often a source is told by the features alone, whole posts held out: of all responses, or of one source's",
    (
        text("set", "which features: all, or those that do not grow with length", allowed=("all", "without length")),
        integer("n_features", "how many"),
        text("source", "the source whose responses are told; empty: all", missing=True),
        number("accuracy", "share told right"),
        number("conf_low", "lower end of its 95% interval, by drawing whole posts", missing=True),
        number("conf_high", "its upper end", missing=True),
        number("null_mean", "mean accuracy where sources are shuffled inside posts", missing=True),
        number("null_high", "95th percentile of that", missing=True),
        number("p_value", "share of shuffles told as well, the data themselves counted in", missing=True),
        integer("n", "responses"),
        ORIGIN,
    ),
    key=("set", "source"),
)
DISTINCTIVE = Table(
    "{study}/style/distinctive.csv",
    "a word or phrase that a source uses more than all others (B. L. Monroe, M. P. Colaresi and K. M. Quinn 2008)",
    (
        SOURCE,
        integer("length", "words of the phrase"),
        text("phrase", "the word or phrase"),
        integer("n", "times in the source"),
        integer("n_others", "times in all others"),
        number("log_odds", "difference of log-odds, with a Dirichlet prior worth 500 words of the study"),
        number("z", "log_odds / its standard error; above 2 is usually called distinctive, without any adjustment"),
        ORIGIN,
    ),
    key=("source", "length", "phrase"),
)
REPEATED = Table(
    "{study}/style/repeated.csv",
    "an opening or a sentence that several responses of a source share",
    (
        SOURCE,
        text("kind", "the first four words, or a sentence of three or more", allowed=("opening", "sentence")),
        text("phrase", "the words"),
        integer("n", "responses that have it"),
        number("share", "of the source's responses"),
        ORIGIN,
    ),
    key=("source", "kind", "phrase"),
)
LIKENESS = Table(
    "{study}/style/likeness.csv",
    "how alike the responses of a source are: mean cosine, 0 for nothing in common, 1 for the same",
    (
        SOURCE,
        text("measure", "runs of three words, or embeddings of meaning", allowed=("runs of words", "embeddings")),
        text("to", "own: the source's responses to other posts; post: the post answered", allowed=("own", "post")),
        number("mean", "mean over pairs; empty: none", missing=True),
        number("conf_low", "lower end of its 95% interval, by drawing whole posts", missing=True),
        number("conf_high", "its upper end", missing=True),
        integer("n_posts", "posts; of more than 2,000, so many drawn"),
        ORIGIN,
    ),
    key=("source", "measure", "to"),
)
STYLE_RATINGS = Table(
    "{study}/style/ratings.csv",
    "a feature against the mean ratings of responses; only where no rating is simulated",
    (
        text("feature", "the feature"),
        text("level", "within sources, or between their means", allowed=("within", "between")),
        number("correlation", "Pearson's; empty: one of them does not vary, or there are under three", missing=True),
        number("slope", "within: rating units for one SD of the feature", missing=True),
        number("std_error", "of the correlation, by drawing whole posts", missing=True),
        number("p_value", "two-sided, normal, unadjusted; between sources none, as they are few", missing=True),
        number("p_adjusted", "Benjamini and Hochberg's over the features", missing=True),
        number("conf_low", "lower end of the correlation's 95% interval", missing=True),
        number("conf_high", "its upper end", missing=True),
        integer("n", "responses, or sources"),
        ORIGIN,
    ),
    key=("feature", "level"),
)
COUNT_MODELS = Table(
    "{study}/style/count_models.csv",
    "a difference of two sources in one count, by a negative binomial mixed model (`style: count_models:`; lme4's "
    "glmer.nb of count ~ source + offset(log(n_words)) + (1 | post_id)); it decides nothing",
    (
        text("feature", "the feature"),
        text("contrast", "a - b, in the order of the config's sources"),
        number("estimate", "difference of log rates per word; empty: no fit", missing=True),
        STD_ERROR,
        STATISTIC,
        P_VALUE,
        number("p_adjusted", "Benjamini and Hochberg's p over the tests of this table", missing=True),
        CONF_LOW,
        CONF_HIGH,
        integer("family_size", "tests adjusted together"),
        number("rate_ratio", "exp(estimate): how many times as often a has it, per word, as b", missing=True),
        number("theta", "variance of a count: mean + mean^2 / theta", missing=True),
        number("std_dev_post", "standard deviation of the posts' log rates", missing=True),
        integer("n", "responses, those without words left out", missing=True),
        text("status", "of the fit; left out: there is none", allowed=("converged", "failed", "left out")),
        text("why", "why it was left out, or failed; what R warned of", missing=True),
        ORIGIN,
    ),
    key=("feature", "contrast"),
)
COUNTS = Table(
    "{study}/counts.csv",
    "how often a source was given an answer: over all included ratings of the item, or in a part of them",
    (
        text("split_by", "the column that divides the ratings; empty: all", missing=True),
        text("part", "its value; empty: all", missing=True),
        SOURCE,
        number("rating", "the answer: each point of the scale, and an average of fewer items that lies between them"),
        integer("n", "how often"),
        number("share", "of the source's ratings there"),
        ORIGIN,
    ),
    key=("split_by", "part", "source", "rating"),
)
COUNT_TESTS = Table(
    "{study}/count_tests.csv",
    "the top answer against the rest, in two sources: chi-squared with Yates's correction; scales of up to 5 points",
    (
        text("split_by", "the column that divides the ratings; empty: all", missing=True),
        text("part", "its value; empty: all", missing=True),
        text("contrast", "a - b, in the order of the config's sources"),
        number("top", "the scale's highest answer"),
        integer("n_top_a", "how often a was given it"),
        integer("n_a", "ratings of a"),
        integer("n_top_b", "how often b was given it"),
        integer("n_b", "ratings of b"),
        number("chi_squared", "of the 2 x 2 table; empty: a row or a column of it is empty", missing=True),
        integer("df", "its degrees of freedom"),
        number("p_value", "its p, unadjusted", missing=True),
        ORIGIN,
        text("note", "ratings of one rater, post or response count as independent, which they are not"),
    ),
    key=("split_by", "part", "contrast"),
)
TREATMENTS = ("gaussian", "centred", "ordinal", "binomial")
METHODS = ("F", "Wald", "likelihood ratio")
FIT_NOTE = text(
    "fit_note",
    "what to know of the fit: failed (it decides nothing), singular, so many ratings left out; empty: nothing",
    missing=True,
)
FIXED = Table(
    "{study}/models/{model}/fixed.csv",
    "a fixed effect",
    (
        text("term", "the coefficient, as R names it"),
        ESTIMATE,
        STD_ERROR,
        DF,
        STATISTIC,
        P_VALUE,
        CONF_LOW,
        CONF_HIGH,
        ORIGIN,
    ),
    key=("term",),
    further=(FIT_NOTE,),
)
RANDOM = Table(
    "{study}/models/{model}/random.csv",
    "a variance component, or the correlation of two",
    (
        text("group", "the grouping factor; Residual for the residual"),
        text("term", "the random term", missing=True),
        text("term2", "the second term of a correlation", missing=True),
        number("variance", "variance (of two terms: covariance)"),
        number("std_dev", "standard deviation", missing=True),
        number("correlation", "correlation of the two terms", missing=True),
        integer("n_levels", "levels of the grouping factor", missing=True),
    ),
    further=(FIT_NOTE,),
)
TESTS = Table(
    "{study}/models/{model}/tests.csv",
    "an omnibus test of several contrasts",
    (
        text("test", "what is tested: source, domain, source:domain"),
        number("statistic", "F, or chi-squared"),
        number("df_num", "numerator degrees of freedom"),
        number("df_den", "denominator degrees of freedom; empty: chi-squared", missing=True),
        P_VALUE,
        ORIGIN,
        text("method", "F, Wald (chi-squared), or likelihood ratio (chi-squared, on ML fits)", allowed=METHODS),
    ),
    key=("test", "method"),
    further=(FIT_NOTE,),
)
SETS = Table(
    "{study}/models/{model}/tests_of_sets.csv",
    "an omnibus test over a set of sources (of more than 8: over two of them, over all, and over each set that a claim "
    "names; by Kenward-Roger: over all and those)",
    (
        text("test", "source, or source:domain", allowed=("source", "source:domain")),
        text("sources", "the set, in the config's order, with commas"),
        number("statistic", "F, or chi-squared"),
        number("df_num", "numerator degrees of freedom"),
        number("df_den", "denominator degrees of freedom; empty: chi-squared", missing=True),
        P_VALUE,
        ORIGIN,
        text("method", "as in tests.csv", allowed=METHODS),
    ),
    key=("test", "sources"),
    further=(FIT_NOTE,),
)
INTERACTIONS = Table(
    "{study}/models/{model}/interactions.csv",
    "a difference of two sources in a domain, less its unweighted mean over the domains",
    (
        text("contrast", "a - b"),
        text("by", "the domain"),
        FITTED,
        STD_ERROR,
        DF,
        STATISTIC,
        P_VALUE,
        CONF_LOW,
        CONF_HIGH,
        number("conf_low_90", "lower end of the unadjusted 90% interval", missing=True),
        number("conf_high_90", "upper end of the unadjusted 90% interval", missing=True),
        number("p_equivalence", "the larger p of two one-sided tests against -delta and +delta", missing=True),
        number("sesoi", "delta: `sesoi_interaction` of the config, in units of the scale", missing=True),
        ORIGIN,
    ),
    key=("contrast", "by"),
    further=(FIT_NOTE,),
)
RANDOM_EFFECTS = Table(
    "{study}/models/{model}/random_effects.csv",
    "the conditional mode of a random effect: a rater's, a post's, ...",
    (
        text("group", "the grouping factor"),
        text("level", "the rater, post, ..."),
        text("term", "the random term"),
        number("estimate", "in units of the scale, or of the link"),
        number("std_error", "conditional standard deviation", missing=True),
        ORIGIN,
    ),
    key=("group", "level", "term"),
)
RESIDUALS = Table(
    "{study}/models/{model}/residuals.csv",
    "a rating that was fitted, with its residual (an ordinal model has none, and no rows here)",
    (
        RATER_ID,
        RESPONSE_ID,
        number("fitted", "what the model expects of it, random effects included"),
        number("residual", "rating - fitted; of binomial and poisson models the deviance residual"),
        number("normal_quantile", "of a standard normal, at the residual's rank: the abscissa of a QQ plot"),
        ORIGIN,
    ),
)
MEANS = Table(
    "{study}/models/{model}/means.csv",
    "an estimated marginal mean: of a source over domains of equal weight (domain empty), or within a domain",
    (SOURCE, text("domain", "empty: over all", missing=True), FITTED, STD_ERROR, DF, CONF_LOW, CONF_HIGH, ORIGIN),
    key=("source", "domain"),
    further=(
        number("expected", "of an ordinal model (random intercepts alone): the mean answer, in units of the scale"),
        number("expected_std_error", "its standard error, by the delta method"),
        number("expected_conf_low", "lower end of its 95% interval"),
        number("expected_conf_high", "upper end of its 95% interval"),
        FIT_NOTE,
    ),
)
CONTRASTS = Table(
    "{study}/models/{model}/contrasts.csv",
    "a difference of two sources, `a - b` in the order of the config's sources",
    (
        text("contrast", "a - b"),
        text("by", "the domain; empty: averaged over domains of equal weight", missing=True),
        FITTED,
        STD_ERROR,
        DF,
        STATISTIC,
        P_VALUE,
        number("p_adjusted", "p adjusted within the family", missing=True),
        CONF_LOW,
        CONF_HIGH,
        number("conf_low_90", "lower end of the unadjusted 90% interval", missing=True),
        number("conf_high_90", "upper end of the unadjusted 90% interval", missing=True),
        number("conf_low_adj", "lower end of Bonferroni's 95% interval", missing=True),
        number("conf_high_adj", "upper end of Bonferroni's 95% interval", missing=True),
        number("p_equivalence", "the larger p of two one-sided tests against -delta and +delta", missing=True),
        number("sesoi", "delta: smallest effect size of interest, in units of the scale", missing=True),
        number("d", "estimate / total SD of the model", missing=True),
        number("percent_of_range", "estimate in per cent of the scale's range; empty: link scale", missing=True),
        text("family", "the family of contrasts that was adjusted together: one model x one level of `by`"),
        integer("family_size", "contrasts in the family"),
        text("adjust", "the adjustment", allowed=("holm", "tukey", "none")),
        ORIGIN,
    ),
    key=("contrast", "by"),
    further=(FIT_NOTE,),
)

# The tables of one fit, by the names of models.Fitted and of the rule's outputs.
OF_A_FIT = {
    "fixed": FIXED,
    "random": RANDOM,
    "tests": TESTS,
    "sets": SETS,
    "means": MEANS,
    "contrasts": CONTRASTS,
    "interactions": INTERACTIONS,
    "random_effects": RANDOM_EFFECTS,
    "residuals": RESIDUALS,
}

MULTIVERSE = Table(
    "{study}/multiverse.csv",
    "a contrast, averaged over domains, by one way of analysing the ratings (it decides nothing)",
    (
        text(
            "exclusions",
            "declared: raters included; none: all raters, previews and further submissions apart",
            allowed=("declared", "none"),
        ),
        text("treatment", "of the ratings (`multiverse` in the config)", allowed=TREATMENTS),
        text("structure", "the random terms, by their name in the config"),
        text("contrast", "a - b"),
        number("estimate", "on the scale of the ratings, or of the link; empty: no fit", missing=True),
        STD_ERROR,
        DF,
        P_VALUE,
        CONF_LOW,
        CONF_HIGH,
        number("d", "estimate / total SD of the model: on one scale in all models", missing=True),
        number("d_conf_low", "conf_low / total SD, which is taken as known", missing=True),
        number("d_conf_high", "conf_high / total SD, which is taken as known", missing=True),
        integer("n", "ratings", missing=True),
        text("formula_fitted", "as fitted", missing=True),
        boolean("singular", "whether the fit is singular", missing=True),
        text("status", "converged, failed, or why there is no fit"),
        ORIGIN,
    ),
    key=("exclusions", "treatment", "structure", "contrast"),
)
LEAVE_ONE_OUT = Table(
    "{study}/leave_one_out.csv",
    "a contrast, averaged over domains, by the deciding model fitted without one post or one domain",
    (
        text("left", "what was left out", allowed=("post", "domain")),
        text("left_out", "which"),
        text("contrast", "a - b"),
        number("estimate", "the difference, in units of the scale; empty: no fit", missing=True),
        STD_ERROR,
        DF,
        P_VALUE,
        CONF_LOW,
        CONF_HIGH,
        text("status", "converged, failed, or why there is no fit"),
        ORIGIN,
    ),
    key=("left", "left_out", "contrast"),
)
KINDS_OF_DATA = ("numbers", "answers", "latent")
RECOVERED = (
    text("kind", "normal ratings; ordinal answers, by expected rating; or on the latent scale", allowed=KINDS_OF_DATA),
    text("contrast", "a - b"),
    number("truth", "the difference that was put in, on the scale of the estimates"),
)
RECOVERY_SETS = Table(
    "{study}/recovery/{kind}.{job}of{jobs}.csv",
    "a contrast, averaged over domains, in one simulated data set (`snakemake recovery`)",
    (
        integer("data_set", "its number"),
        *RECOVERED,
        number("estimate", "the difference; empty: no fit", missing=True),
        STD_ERROR,
        DF,
        CONF_LOW,
        CONF_HIGH,
        text("status", "converged, failed, or why there is no fit"),
        ORIGIN,
    ),
    key=("kind", "data_set", "contrast"),
)
RECOVERY = Table(
    "{study}/recovery.csv",
    "a contrast over simulated data sets: does the model recover what was put in? (`snakemake recovery`)",
    (
        *RECOVERED,
        integer("data_sets", "data sets whose fit converged"),
        integer("failed", "data sets whose fit did not; they are left out of what follows"),
        number("bias", "mean of estimate - truth", missing=True),
        number("bias_mc_error", "its Monte Carlo standard error", missing=True),
        number("sd_of_estimates", "over the data sets", missing=True),
        number("mean_std_error", "of the estimates, as the model has it", missing=True),
        number("coverage", "share of the 95% intervals that hold the truth", missing=True),
        number("coverage_mc_error", "Monte Carlo standard error of a coverage of .95", missing=True),
        boolean("within", "whether bias and coverage - .95 are both within three Monte Carlo standard errors of 0"),
        ORIGIN,
        boolean("small_bias", "latent: whether the bias is at most .05 latent SD; other kinds: empty", missing=True),
    ),
    key=("kind", "contrast"),
)
VERDICTS = ("replicated", "not replicated", "inconclusive", "not testable")
DEMO_VERDICTS = ("recovered", "not recovered", "inconclusive")
CERTAINTIES = ("abstract", "summary", "second_hand", "inferred", "conflicting", "unknown", "own")
POWER = Table(
    "{study}/power.csv",
    "a verdict on a claim, over simulated studies of one size in which the claim is true (`snakemake power`)",
    (
        integer("raters", "in each study"),
        integer("posts", "in each study"),
        text("claim_id", "the claim, decided among all that the run can test on the study's sources"),
        text("test", "its test"),
        number(
            "true_difference",
            "the smallest between sources that it names, in units of the ratings as simulated; any difference: the "
            "largest; no interaction: 0, that of a difference in a domain from its mean over the domains",
        ),
        text("verdict", "of the verdict rules", allowed=VERDICTS),
        integer("studies", "simulated"),
        integer("n", "those with this verdict"),
        number("probability", "n / studies"),
        number("conf_low", "lower end of its 95% interval (Wilson)"),
        number("conf_high", "upper end of its 95% interval (Wilson)"),
        ORIGIN,
    ),
    key=("raters", "posts", "claim_id", "verdict"),
)
CLAIMS = Table(
    "claims.csv",
    "a claim and its verdict",
    (
        text("claim_id", "the claim"),
        text("study", "the study that decides it"),
        text("statement", "the claim, in words"),
        text("certainty", "how sure we are that the paper says so (own: a claim of this run)", allowed=CERTAINTIES),
        text("family", "claims adjusted together", allowed=("primary", "style")),
        text("test", "the kind of test that decides it"),
        text("model", "the model that decides it", missing=True),
        number(
            "estimate",
            "of the component that decided, as claimed (a - b), in units of the scale or feature",
            missing=True,
        ),
        number("conf_low", "its unadjusted 95% interval, 90% for `equivalent`", missing=True),
        number("conf_high", "its unadjusted 95% interval, 90% for `equivalent`", missing=True),
        number("p_for", "p of the test for the claim; of unobserved data, as below: the demonstration's", missing=True),
        number("p_against", "p of the test against the claim", missing=True),
        number("p_adjusted", "Holm's p for, over the testable claims of study, file and family", missing=True),
        number("p_against_adjusted", "Holm's p against, likewise", missing=True),
        text("verdict", "what the data say of the claim", allowed=VERDICTS),
        text("demo_verdict", "what the rules would say were the data observed", missing=True, allowed=DEMO_VERDICTS),
        text("origin", "the weakest of what it rests on; empty: no data in this run", missing=True, allowed=ORIGINS),
        number("reported", "the paper's estimate, where a replicator has entered it", missing=True),
        number("reported_low", "its interval", missing=True),
        number("reported_high", "its interval", missing=True),
        text("reported_scale", "its scale", missing=True),
        text("reported_page", "its page", missing=True),
        number(
            "prediction_low",
            "95% prediction interval of a replication's estimate; empty: the paper's interval was not entered, or the "
            "claim names several differences, so that its one figure may be of any",
            missing=True,
        ),
        number("prediction_high", "its upper end", missing=True),
        text("why", "the reason of the verdict, naming the component that decided"),
    ),
    key=("claim_id",),
    further=(
        text("file", "the claims file"),
        text("paper", "whose claim it is, as its file says; empty: this run's own", missing=True),
    ),
)
COMPONENTS = Table(
    "claims_components.csv",
    "a component of a claim: one difference that it names",
    (
        text("claim_id", "the claim"),
        text("component", "the difference, oriented as claimed"),
        ESTIMATE,
        STD_ERROR,
        DF,
        number("sesoi", "delta, in units of the scale (style: of the feature)"),
        number("p_for", "the component's p for the claim", missing=True),
        number("p_against", "the component's p against it", missing=True),
    ),
    key=("claim_id", "component"),
)
BY_MODEL = Table(
    "claims_by_model.csv",
    "a claim as another model would have it (sensitivity; decides nothing)",
    (
        text("claim_id", "the claim"),
        text("model", "the model"),
        number("estimate", "as in claims.csv", missing=True),
        CONF_LOW,
        CONF_HIGH,
        number("p_for", "as in claims.csv", missing=True),
        number("p_against", "as in claims.csv", missing=True),
        text(
            "verdict",
            "the same rules on that model; the words of demo_verdict where the data are not observed",
            allowed=tuple(dict.fromkeys(VERDICTS + DEMO_VERDICTS)),
        ),
    ),
    key=("claim_id", "model"),
)
RULES = Table(
    "rules.csv",
    "a rule that the run calls for, and one that feeds it",
    (
        text("rule", "the rule"),
        text("fed_by", "a rule whose output it reads; empty: it reads none", missing=True),
    ),
    key=("rule", "fed_by"),
)

ALL = (
    POSTS,
    RESPONSES,
    QUALITY,
    QUALITY_RESPONSES,
    RATERS,
    RATINGS,
    FLOW,
    POSITIONS,
    RATED,
    SEEN,
    AGREEMENT,
    SCALES,
    SCALE_USE,
    FEATURES,
    STYLE_COUNTS,
    STYLE_SUMMARY,
    TEXTS_FOR_LIWC,
    STYLE_CONTRASTS,
    CLASSIFIER,
    DISTINCTIVE,
    REPEATED,
    LIKENESS,
    STYLE_RATINGS,
    COUNT_MODELS,
    COUNTS,
    COUNT_TESTS,
    FIXED,
    RANDOM,
    TESTS,
    SETS,
    MEANS,
    CONTRASTS,
    INTERACTIONS,
    RANDOM_EFFECTS,
    RESIDUALS,
    LEAVE_ONE_OUT,
    MULTIVERSE,
    POWER,
    RECOVERY_SETS,
    RECOVERY,
    CLAIMS,
    COMPONENTS,
    BY_MODEL,
    RULES,
)
