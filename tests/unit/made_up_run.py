"""A whole run's tables for the tests of the report, made up: their shapes are real, their numbers mean nothing.

`write` makes results/{run} and simulated/{run} below a folder, through the schemas of empathic.tables.
"""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from empathic import (
    assignment,
    checks,
    files,
    ids,
    instrument,
    origin,
    provenance,
    reliability,
    settings,
    tables,
)
from empathic.style import classifier, contrasts, distinctive, likeness, tokens
from empathic.style import rated as style_rated

ROOT = Path(__file__).parents[2]
FEATURES = ("n_words", "n_sentences", "words_per_sentence", "exclamation_marks", "emojis", "pronouns_you", "apologies")
TOTAL_SD = 1.4


@dataclass(frozen=True)
class MadeUp:
    """Where the tables of a made-up run lie."""

    results: Path
    simulated: Path


def config_of(name="config.yaml"):
    """A config of the package, before it is filled in: change it, then give it to `write`."""
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def write(folder, config=None, *, change_posts=lambda posts: posts, text=None, fit=None, told="18-24"):
    """Write every table that a run of this config makes.

    change_posts: makes other posts of the shipped ones. text: of every response, where a test wants its own. fit: what
    fit.json says otherwise. told: what every rater tells of themselves.
    """
    config = settings.read(config or config_of("configs/smoke.yaml"))
    made = MadeUp(folder / "results" / config["run"], folder / "simulated" / config["run"])
    for number, (name, study) in enumerate(config["studies"].items()):
        _Study(made, config, name, study, np.random.default_rng(number), change_posts, text, fit or {}, told).write()
    if config["claims"]:
        _claims(made, config)
    paths = sorted(path for path in made.results.rglob("*") if path.is_file())
    fed = [("render_report", "record_provenance"), ("record_provenance", "list_rules"), ("list_rules", None)]
    tables.RULES.write(tables.RULES.frame({"rule": a, "fed_by": b} for a, b in fed), made.results / "rules.csv")
    commit = "0123456789abcdef" * 2 + "01234567"
    record = provenance.record(config, commit=commit, dirty=True, given=[], made=paths, benchmarks=folder / "none")
    record["runtimes"] = {"list_rules": {"jobs": 1, "seconds": 2.5, "longest": 2.5, "memory_mb": None}}
    record["outputs"] = {str(path.relative_to(folder)): files.sha256_file(path) for path in paths}
    record["shown"] = {
        portable: (ROOT / portable).read_text(encoding="utf-8")
        for portable in {source.get("prompt") for source in config["sources"].values()} - {None}
        | {study["ratings"]["instrument"] for study in config["studies"].values() if study["ratings"]}
    }
    files.write_json(made.results / "provenance.json", record)
    return made


def write_many(folder):
    """A run of one study with eight sources and twelve domains."""
    config = config_of("configs/smoke.yaml")
    arm = config["sources"]["smollm2_nf4"]
    config["sources"] |= {f"arm{number}": arm | {"title": f"A model of number {number}"} for number in range(7)}
    study = config["studies"]["study2"]
    study["sources"] = ["smollm2_nf4", *(f"arm{number}" for number in range(7))]
    study["posts"].pop("per_domain")
    config["studies"] = {"study2": study}
    config["sources"]["human"]["responses"] = {}
    return write(
        folder,
        config,
        change_posts=lambda posts: (
            posts.groupby("domain", sort=False).head(2).assign(domain=[f"domain_{number}" for number in range(12)])
        ),
    )


class _Study:
    def __init__(self, made, config, name, study, rng, change_posts, text, fit, told):
        self.folder, self.truth = made.results / name, made.simulated / name / "SIMULATED_truth.json"
        self.config, self.name, self.study, self.rng = config, name, study, rng
        self.change_posts, self.text, self.otherwise, self.told = change_posts, text, fit, told
        self.sources = study["sources"]

    def write(self):
        if self.study["posts"]:
            self.posts = self._posts()
            self.responses = self._responses()
            self._quality()
            self._style()
        if settings.is_rated(self.study):
            self._ratings()
            for model in self.study["models"]:
                self._model(model)
            if self.study["ratings"]["simulate"]:
                self._truth()

    def _posts(self):
        table = self.change_posts(_given(self.study))
        tables.POSTS.write(table, self.folder / "posts.csv")
        return table

    def _responses(self):
        rows = []
        for source, post in itertools.product(self.sources, self.posts.itertuples()):
            kind = self.config["sources"][source]["kind"]
            text = self.text or f"I hear you. {source} would say that {post.post_id} is hard!"
            rows.append(
                {
                    "response_id": ids.response_id(post.post_id, post.text, source, 0, text),
                    "post_id": post.post_id,
                    "domain": post.domain,
                    "source": source,
                    "kind": kind,
                    "sample": 0,
                    "label": None,
                    "writer_id": "w1" if kind == "human" else None,
                    "text": text,
                    "n_words": len(text.split()),
                    "origin": "stand_in" if kind == "human" else "observed",
                }
            )
            if kind in settings.GENERATED:
                self._generation(source, post.post_id, text)
        table = tables.RESPONSES.frame(rows)
        tables.RESPONSES.write(table, self.folder / "responses.csv")
        return table

    def _generation(self, source, post_id, text):
        path = self.folder / "generations" / f"{source}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        new = int(self.rng.integers(10, 25))
        record = {
            "key": ids.response_id(post_id, None, source, 0, None),
            "study": self.name,
            "source": source,
            "post_id": post_id,
            "sample": 0,
            "text": text,
            "finish_reason": "length" if new == 24 else "stop",
            "prompt_tokens": 180,
            "new_tokens": new,
            "error": None,
            "ended_at": "2026-01-01T00:00:00+00:00",
            "versions": {"torch": "2.13.0", "transformers": "5.23.0"},
        }
        with open(path, "a", encoding="utf-8", newline="\n") as lines:
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")

    def _quality(self):
        rows, by_source = [], []
        for place, row in enumerate(self.responses.itertuples()):
            failed = {check.name: place % 10 == number for number, check in enumerate(checks.CHECKS)}
            rows.append(
                {"response_id": row.response_id, "post_id": row.post_id, "source": row.source, "sample": row.sample}
                | {"n_words": row.n_words, "flagged": any(failed.values()), "repeated_4grams": 0.0, "language": "en"}
                | {"origin": row.origin}
                | failed
            )
        table = tables.QUALITY_RESPONSES.frame(rows)
        tables.QUALITY_RESPONSES.write(table, self.folder / "quality_responses.csv")
        for source, own in table.groupby("source", sort=False):
            kind, n = self.config["sources"][source]["kind"], len(self.posts)
            asked = {} if kind == "human" else {"n_asked": n, "n_errors": 0, "n_empty": 0}
            by_source.append(
                dict.fromkeys(tables.QUALITY.names)
                | {"source": source, "kind": kind, "n_posts": n, "n_answered": n, "n_responses": n}
                | asked
                | {"words_median": own.n_words.astype(float).median(), "n_language": n}
                | {check.counted: int(own[check.name].sum()) for check in checks.CHECKS}
                | {"n_flagged": int(own.flagged.sum()), "origin": origin.weakest(own.origin)}
            )
        tables.QUALITY.write(tables.QUALITY.frame(by_source), self.folder / "quality.csv")

    def _style(self):
        features = tables.FEATURES.frame(
            {
                "response_id": row.response_id,
                "source": row.source,
                "origin": row.origin,
                **{feature: round(float(self.rng.gamma(3.0)), 3) for feature in FEATURES},
            }
            for row in self.responses.itertuples()
        )
        tables.FEATURES.write(features, self.folder / "style" / "features.csv")
        rows = []
        for source, feature in itertools.product(self.sources, FEATURES):
            values = features.loc[features.source == source, feature]
            weakest = origin.weakest(features.loc[features.source == source, "origin"])
            rows.append(
                {"source": source, "feature": feature, "mean": values.mean(), "std_dev": values.std(), "n": len(values)}
                | {"origin": weakest}
            )
        tables.STYLE_SUMMARY.write(tables.STYLE_SUMMARY.frame(rows), self.folder / "style" / "summary.csv")
        self._style_compared(features)

    def _style_compared(self, features):
        table = features.assign(post_id=self.responses.post_id)
        few = {"seed": 1, "permutations": 99}
        compared = contrasts.compare(table, FEATURES, self.sources, draws=100, **few)
        told = classifier.classify(table, {"all": FEATURES, "without length": FEATURES[3:]}, **few)
        texts = [*self.responses.text, *self.posts.text]
        parsed = [tokens.parse(text) for text in texts]
        by_source = {
            source: [parsed[place] for place in np.flatnonzero(self.responses.source == source)]
            for source in self.sources
        }
        origins = {source: "stand_in" if source == "human" else "observed" for source in self.sources}
        rows = self.responses[["source", "post_id"]].assign(vector=range(len(self.responses)))
        places = pd.Series(range(len(self.responses), len(texts)), index=self.posts.post_id)
        alike = likeness.likeness(likeness.runs(parsed), rows, places, seed=1)
        for schema, found in (
            (tables.STYLE_CONTRASTS, compared),
            (tables.CLASSIFIER, told.assign(origin=origin.weakest(features.origin.unique()))),
            (tables.DISTINCTIVE, distinctive.distinctive(by_source, origins)),
            (tables.REPEATED, distinctive.repeated(by_source, origins)),
            (tables.LIKENESS, alike.assign(measure="runs of words", origin=alike.source.map(origins))),
        ):
            path = self.folder / "style" / Path(schema.path).name
            schema.write(schema.frame(found.to_dict("records")), path)

    def _ratings(self):
        self.origin = "simulated" if self.study["ratings"]["simulate"] else "observed"
        self.raters = (self.study["ratings"]["simulate"] or {"raters": 20})["raters"]
        rows, raters = [], []
        rated = self._rated()
        for rater in range(self.raters + 3):
            reason = "attention" if rater >= self.raters else None
            known = {"rater_id": f"r{rater:012x}", "included": reason is None, "reason": reason, "origin": self.origin}
            told = {name: self.told for name in self.study["ratings"]["demographics"]}
            raters.append(known | {"duration_s": 600.0 + rater} | told)
            for position, (post_id, domain, source, response_id) in enumerate(rated[rater % 5 :: 5], start=1):
                rows.append(
                    known
                    | {"response_id": response_id, "post_id": post_id, "domain": domain, "source": source}
                    | {
                        "item": self.study["ratings"]["item"],
                        "rating": float(self.rng.integers(1, 8)),
                        "position": position,
                    }
                )
        tables.RATERS.write(tables.RATERS.frame(raters), self.folder / "raters.csv")
        table = tables.RATINGS.frame(rows)
        tables.RATINGS.write(table, self.folder / "ratings.csv")
        if self.study["posts"] and settings.has_real_ratings(self.study):
            features = tables.FEATURES.read(self.folder / "style" / "features.csv")
            table = style_rated.rated_features(features, table, self.study["ratings"]["item"])
            found = style_rated.relate(table, FEATURES, seed=1)
            path = self.folder / "style" / "ratings.csv"
            tables.STYLE_RATINGS.write(tables.STYLE_RATINGS.frame(found.to_dict("records")), path)
        left = sum(not row["included"] for row in rows)
        self._counts()
        steps = [("entered", None, self.raters + 3, len(rows), None, None), ("excluded", "attention", 3, left, 3, left)]
        steps.append(("remaining", None, self.raters, len(rows) - left, None, None))
        flow = [dict(zip(tables.FLOW.names, step, strict=True)) for step in steps]
        tables.FLOW.write(tables.FLOW.frame(flow), self.folder / "flow.csv")
        self._describe(tables.RATINGS.frame(rows))

    def _describe(self, ratings):
        survey = instrument.read(ROOT / self.study["ratings"]["instrument"], self.study["ratings"]["item"])
        made = [
            (tables.POSITIONS, assignment.by_position(ratings, self.sources)),
            (tables.RATED, assignment.by_response(ratings, self.responses if self.study["posts"] else None)),
            (tables.SEEN, assignment.by_rater(ratings)),
            (tables.AGREEMENT, reliability.agreement(ratings, self.sources)),
            (tables.SCALES, reliability.of_scales(ratings, survey, self.sources)),
            (tables.SCALE_USE, reliability.scale_use(ratings)),
        ]
        for table, content in made:
            table.write(content, self.folder.parent / table.path.format(study=self.name))

    def _counts(self):
        known = {"split_by": None, "part": None, "origin": self.origin}
        counts = [{"source": source, "rating": 7.0, "n": 5, "share": 0.2} | known for source in self.sources]
        tables.COUNTS.write(tables.COUNTS.frame(counts), self.folder / "counts.csv")
        top = {"top": 7.0, "n_top_a": 5, "n_a": 25, "n_top_b": 9, "n_b": 25, "df": 1, "chi_squared": 0.89}
        rows = [
            {"contrast": f"{a} - {b}", "p_value": 0.34, "note": "ignores clustering"} | top | known
            for a, b in itertools.combinations(self.sources, 2)
        ]
        tables.COUNT_TESTS.write(tables.COUNT_TESTS.frame(rows), self.folder / "count_tests.csv")
        numbers = {"estimate": -0.3, "std_error": 0.1, "df": 40.0, "p_value": 0.01, "conf_low": -0.5, "conf_high": -0.1}
        left = [
            {"left": "domain", "left_out": domain, "contrast": f"{a} - {b}", "status": "converged"}
            | numbers
            | {"origin": self.origin}
            for domain in self._domains()
            for a, b in itertools.combinations(self.sources, 2)
        ]
        tables.LEAVE_ONE_OUT.write(tables.LEAVE_ONE_OUT.frame(left), self.folder / "leave_one_out.csv")
        ways = [
            {"exclusions": "none", "treatment": treatment, "structure": "deciding", "contrast": f"{a} - {b}"}
            | {"estimate": -0.3, "p_value": p, "d": d, "status": "converged", "origin": self.origin}
            for treatment, d, p in (("gaussian", -0.2, 0.01), ("ordinal", -0.1, 0.2))
            for a, b in itertools.combinations(self.sources, 2)
        ]
        tables.MULTIVERSE.write(tables.MULTIVERSE.frame(ways), self.folder / "multiverse.csv")

    def _rated(self):
        if self.study["posts"]:
            columns = ["post_id", "domain", "source", "response_id"]
            return list(self.responses[columns].itertuples(index=False, name=None))
        posts = [(f"p{number}", ("one", "two")[number % 2]) for number in range(10)]
        return [
            (post, domain, source, ids.response_id(post, None, source, 0, None))
            for (post, domain), source in itertools.product(posts, self.sources)
        ]

    def _domains(self):
        return sorted({domain for _, domain, _, _ in self._rated()})

    def _model(self, model):
        folder = self.folder / "models" / model
        rest = {"df": 40.0, "statistic": 2.0, "p_value": 0.03, "origin": self.origin}
        fixed = [
            {"term": term, "estimate": 4.5, "std_error": 0.1, "conf_low": 4.3, "conf_high": 4.7} | rest
            for term in ["(Intercept)", *(f"source{source}" for source in self.sources[1:])]
        ]
        tables.FIXED.write(tables.FIXED.frame(fixed), folder / "fixed.csv")
        groups = ["rater_id", "post_id", "response_id", "Residual"][:: 1 if model == "deciding" else 3]
        random = [
            {"group": group, "term": None if group == "Residual" else "(Intercept)", "term2": None}
            | {"variance": 0.49, "std_dev": 0.7, "correlation": None, "n_levels": None if group == "Residual" else 15}
            for group in groups
        ]
        tables.RANDOM.write(tables.RANDOM.frame(random), folder / "random.csv")
        tests = [
            {"test": "source", "statistic": 3.2, "df_num": 2.0, "df_den": 41.5, "p_value": 0.051, "origin": self.origin}
            | {"method": "F"}
        ]
        tables.TESTS.write(tables.TESTS.frame(tests), folder / "tests.csv")
        self._means(folder)
        self._contrasts(folder, model)
        self._diagnostics(folder)
        files.write_json(folder / "fit.json", self._fit(model))
        files.write_text(folder / "model.R", "# a fit\n")

    def _diagnostics(self, folder):
        ratings = tables.RATINGS.read(self.folder / "ratings.csv")
        used = ratings[ratings.included][["rater_id", "response_id", "origin"]]
        ranks = (np.arange(len(used)) + 0.5) / len(used)
        spread = used.assign(fitted=4 + ranks, residual=3 * (ranks - 0.5), normal_quantile=6 * (ranks - 0.5))
        tables.RESIDUALS.write(spread, folder / "residuals.csv")
        numbers = {"term": "(Intercept)", "std_error": 0.2, "origin": self.origin}
        levels = [
            {"group": group, "level": f"{group}{number}", "estimate": float(self.rng.normal(0, 0.4))} | numbers
            for group in ("rater_id", "post_id")
            for number in range(12)
        ]
        tables.RANDOM_EFFECTS.write(tables.RANDOM_EFFECTS.frame(levels), folder / "random_effects.csv")
        numbers = {"std_error": 0.15, "df": 40.0, "statistic": 0.7, "p_value": 0.49, "origin": self.origin}
        rows = [
            {"contrast": f"{a} - {b}", "by": domain, "estimate": 0.1, "conf_low": -0.2, "conf_high": 0.4} | numbers
            for (a, b), domain in itertools.product(itertools.combinations(self.sources, 2), self._domains())
        ]
        tables.INTERACTIONS.write(tables.INTERACTIONS.frame(rows), folder / "interactions.csv")

    def _means(self, folder):
        rows = []
        for domain, (place, source) in itertools.product([None, *self._domains()], enumerate(self.sources)):
            mean = 4 + 0.4 * place + float(self.rng.normal(0, 0.05 if domain is None else 0.2))
            spread = 0.12 if domain is None else 0.3
            rows.append(
                {"source": source, "domain": domain, "estimate": mean, "std_error": spread, "df": 40.0}
                | {"conf_low": mean - 2 * spread, "conf_high": mean + 2 * spread, "origin": self.origin}
            )
        tables.MEANS.write(tables.MEANS.frame(rows), folder / "means.csv")

    def _contrasts(self, folder, model):
        pairs = list(itertools.combinations(self.sources, 2))
        rows = []
        for by, (first, second) in itertools.product([None, *self._domains()], pairs):
            difference, error = float(self.rng.normal(-0.3, 0.1)), 0.11 if by is None else 0.2
            rows.append(
                {"contrast": f"{first} - {second}", "by": by, "estimate": difference, "std_error": error, "df": 40.0}
                | {"statistic": difference / error, "p_value": 0.012, "p_adjusted": 0.036}
                | {"conf_low": difference - 2.02 * error, "conf_high": difference + 2.02 * error}
                | {"conf_low_90": difference - 1.68 * error, "conf_high_90": difference + 1.68 * error}
                | {"conf_low_adj": difference - 2.5 * error, "conf_high_adj": difference + 2.5 * error}
                | {"p_equivalence": 0.44, "sesoi": 0.2 * TOTAL_SD, "d": difference / TOTAL_SD}
                | {"percent_of_range": 100 * difference / 6, "family": f"{model} x {by or 'all'}"}
                | {"family_size": len(pairs), "adjust": "holm", "origin": self.origin}
            )
        tables.CONTRASTS.write(tables.CONTRASTS.frame(rows), folder / "contrasts.csv")

    def _fit(self, model):
        formula = self.study["models"][model]["formula"]
        dropped = [{"term": "(1 | post_id)", "why": "fewer than half of its levels have two ratings"}]
        numbers = {
            "logLik": -1234.5,
            "AIC": 2490.1,
            "BIC": 2530.9,
            "r2_marginal": 0.05,
            "r2_conditional": 0.4,
            "icc": 0.37,
        }
        return {
            "formula": formula,
            "formula_fitted": formula if model == "deciding" else formula.replace(" + (1 | post_id)", ""),
            "left_out_as_singular": [],
            "terms_dropped": [] if model == "deciding" else dropped,
            "family": "gaussian",
            "link": "identity",
            "reml": True,
            "df_method": "satterthwaite",
            "versions": {"R": "4.2.2", "lme4": "1.1-31"},
            "n": self.raters * 3,
            **numbers,
            "sigma_total": TOTAL_SD,
            "singular": False,
            "optimizer_code": 0,
            "gradient": 0.0001,
            "refits": [],
            "warnings": [],
            "origin": self.origin,
            "status": "converged",
            "sesoi": 0.2 * TOTAL_SD,
            "sources": self.sources,
            "domains": self._domains(),
            "sum_coded": {"domain": self._domains()},
            "reference": self.sources[0],
        } | self.otherwise

    def _truth(self):
        expected = {source: 4.1 + 0.4 * place for place, source in enumerate(self.sources)}
        files.write_json(self.truth, {"expected": {"source": expected}})


def _given(study):
    table = pd.read_csv(ROOT / study["posts"]["file"]).assign(origin=study["posts"]["origin"])
    if study["posts"]["per_domain"]:
        table = table.groupby("domain", sort=False).head(study["posts"]["per_domain"]).reset_index(drop=True)
    return table


def _claims(made, config):
    rows, components, by_model = [], [], []
    blank = {name: None for name in tables.CLAIMS.names}
    for study in (name for name, study in config["studies"].items() if study["ratings"]):
        for number, (certainty, demo) in enumerate([("summary", None), ("own", "recovered"), ("own", "inconclusive")]):
            claim = f"{study}_claim_{number}"
            known = {"claim_id": claim, "study": study, "statement": f"Claim {number} of {study} in words"}
            rows.append(
                blank
                | known
                | {"certainty": certainty, "family": "primary", "test": "greater", "verdict": "not testable"}
                | {
                    "demo_verdict": demo,
                    "origin": "simulated",
                    "why": "the ratings are simulated",
                    "file": "claims.yaml",
                    "paper": None if certainty == "own" else "lee2024",
                }
                | ({"model": "deciding", "estimate": 0.31, "conf_low": 0.12, "conf_high": 0.5} if demo else {})
            )
            if demo:
                by_model.append(
                    {"claim_id": claim, "model": "two_intercept", "estimate": 0.33, "conf_low": 0.2, "conf_high": 0.46}
                    | {"p_for": 0.001, "p_against": 1.0, "verdict": demo}
                )
                components.append(
                    {
                        "claim_id": claim,
                        "component": "a - b",
                        "estimate": 0.31,
                        "std_error": 0.1,
                        "df": 40.0,
                        "sesoi": 0.28,
                    }
                    | {"p_for": 0.01, "p_against": 0.9}
                )
    tables.CLAIMS.write(tables.CLAIMS.frame(rows), made.results / "claims.csv")
    tables.COMPONENTS.write(tables.COMPONENTS.frame(components), made.results / "claims_components.csv")
    tables.BY_MODEL.write(tables.BY_MODEL.frame(by_model), made.results / "claims_by_model.csv")
