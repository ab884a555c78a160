"""What one study found of style: features, differences, what tells the sources apart, what each says and repeats."""

import math

import pandas as pd

from empathic.features import FEATURES, RATE
from empathic.origin import weakest
from empathic.report import blocks, figures
from empathic.report.loading import Run, Study
from empathic.report.words import MISSING, count, counted, interval, is_missing, listing, number, p_value, prose, share

UNITS = {feature.name: feature.unit for feature in FEATURES}
MADE = {"simulated": " **Simulated.**", "stand_in": " **Stand-in texts.**", "observed": ""}
FEWEST = 12  # differences listed of each pair of sources
PHRASES = 8
BY_RATING = 10


def features(study: Study) -> str:
    """Figure: how far each source lies from the reference in the features that set the sources apart most."""
    table = figures.style_differences(study)
    if table.empty:
        return "No two sources of this study can be compared in style: there is one, or they share no post."
    names = list(dict.fromkeys(table.feature))
    reference = study.source_title(study.sources[0])
    caption = (
        f"{prose(study.title)}: how far the style of each source lies from that of {prose(reference)}, in SDs within "
        f"sources: the {count(len(names))} features in which any two sources differ most. Right of the line: more than "
        f"{prose(reference)}.{_made(table)}"
    )
    largest = listing(
        f"{study.source_title(source)} in {_plain(row.feature)} ({number(row.d)})"
        for source, rows in table.groupby("source", sort=False)
        for row in [rows.loc[rows.d.abs().idxmax()]]
    )
    alt = f"One line a feature, one mark a source, as differences from {reference}. The largest: {largest}."
    return blocks.figure(f"{study.name}-style", caption, figures.style(study), alt, table)


def features_table(study: Study) -> str:
    """Table: mean (SD) of each feature by source; features that no response has are named in the caption alone."""
    every = list(dict.fromkeys(study.style.feature))
    empty = study.style.groupby("feature")["mean"].max().fillna(0)
    names = [name for name in every if empty[name] > 0 or name == "sentiment"]
    cells = {
        (row.source, row.feature): f"{number(row.mean)} ({number(row.std_dev)})" for row in study.style.itertuples()
    }
    columns = [
        blocks.words("Feature", map(_plain, names)),
        blocks.words("Unit", [UNITS.get(name, RATE) for name in names]),
    ]
    columns += [
        blocks.numbers(study.source_title(source), [cells.get((source, name), MISSING) for name in names])
        for source in study.sources
    ]
    sizes = listing(
        f"{prose(study.source_title(source))} {count(rows.n.max())}"
        for source, rows in study.style.groupby("source", sort=False)
    )
    caption = f"{prose(study.title)}: features of style, mean (SD) over responses. Responses: {sizes}."
    absent = [prose(_plain(name)) for name in every if name not in names]
    if absent:
        caption += f" Left out, as no response has any: {listing(absent)}."
    return blocks.table(f"{study.name}-style", caption, columns)


def contrasts_table(study: Study) -> str:
    """Table: the largest differences of each pair of sources."""
    table = study.style_tables["contrasts"]
    tested = table.dropna(subset=["p_value", "d"])
    if tested.empty:
        return ""  # The figure's place says why.
    order = tested.assign(size=tested.d.abs()).sort_values("size", ascending=False, kind="stable")
    shown = order.groupby("contrast", sort=False).head(FEWEST)
    shown = shown.set_index("contrast").loc[[name for name in table.contrast.unique() if name in set(shown.contrast)]]
    rows = list(shown.reset_index().itertuples())
    columns = [
        blocks.words("Contrast", [study.contrast_title(row.contrast) for row in rows]),
        blocks.words("Feature", [_plain(row.feature) for row in rows]),
        blocks.numbers("Difference", [number(row.estimate) for row in rows]),
        blocks.numbers("95% interval", [interval(row.conf_low, row.conf_high) for row in rows]),
        blocks.numbers("d", [number(row.d) for row in rows]),
        blocks.numbers("p", [p_value(row.p_value) for row in rows]),
        blocks.numbers("p, adjusted", [p_value(row.p_adjusted) for row in rows]),
    ]
    below = int((table.p_adjusted < 0.05).sum())
    caption = (
        f"{prose(study.title)}: the differences of style that are largest in SDs within sources (*d*), at most "
        f"{count(FEWEST)} of each pair of sources. p by permutation within posts, intervals by drawing whole posts; of "
        f"all {counted(int(table.family_size.max()), 'test')} of the study {count(below)} have an adjusted p below .05 "
        f"(Benjamini and Hochberg).{_made(table)}"
    )
    return blocks.table(f"{study.name}-style-contrasts", caption, columns)


def count_models_table(study: Study) -> str:
    """Table: rate ratios of counts by a negative binomial mixed model, where the config asks for some."""
    table = study.style_tables.get("count_models")
    if table is None:
        return ""
    rows = list(table.itertuples())
    columns = [
        blocks.words("Contrast", [study.contrast_title(row.contrast) for row in rows]),
        blocks.words("Feature", [_plain(row.feature) for row in rows]),
        blocks.numbers("Rate ratio", [number(row.rate_ratio) for row in rows]),
        blocks.numbers("95% interval", [interval(math.exp(row.conf_low), math.exp(row.conf_high)) for row in rows]),
        blocks.numbers("p", [p_value(row.p_value) for row in rows]),
        blocks.numbers("p, adjusted", [p_value(row.p_adjusted) for row in rows]),
        blocks.words("Fit", [row.status if is_missing(row.why) else f"{row.status}: {row.why}" for row in rows]),
    ]
    caption = (
        f"{prose(study.title)}: counts by a negative binomial mixed model with an intercept for each post: how many "
        f"times as often, per word, the first source has a feature as the second. p adjusted over "
        f"{counted(int(table.family_size.max()), 'test')} (Benjamini and Hochberg). It decides nothing.{_made(table)}"
    )
    return blocks.table(f"{study.name}-count-models", caption, columns)


def classifier(study: Study) -> str:
    """Sentences: how well the features alone tell the sources apart."""
    table = study.style_tables["classifier"]
    whole = table[table.source.isna()]
    if whole.empty:
        return prose("The sources were not told apart by their features: that takes two sources and five posts.")
    sentences = []
    for row in whole.itertuples():
        features_ = "all features" if row.set == "all" else "the features that do not grow with length"
        sentences.append(
            f"By {features_} ({count(row.n_features)}), {share(round(row.accuracy * row.n), row.n)} of the responses "
            f"are told right (95% interval {interval(100 * row.conf_low, 100 * row.conf_high, 1)}), where sources "
            f"shuffled inside posts give {number(100 * row.null_mean, 1)}% (95th percentile "
            f"{number(100 * row.null_high, 1)}%; p {p_value(row.p_value)})."
        )
    named = table[table.source.notna() & (table.set == "all")]
    each = listing(
        f"{prose(study.source_title(row.source))} {number(100 * row.accuracy, 1)}%" for row in named.itertuples()
    )
    sentences.append(f"By source, with all features: {each}.{_made(table)}")
    return blocks.inline(sentences)


def distinctive_table(study: Study) -> str:
    """Table: the most distinctive words and phrases of each source."""
    table = study.style_tables["distinctive"]
    if len(study.sources) == 1:
        return "There is one source, and so none whose words could be set against it."
    if table.empty:
        return "No source says anything more often than the others."
    lengths = sorted(table.length.unique())
    cells = {
        (source, length): ", ".join(f"“{row.phrase}” ({number(row.z, 1)})" for row in own.head(PHRASES).itertuples())
        for (source, length), own in table.groupby(["source", "length"], sort=False)
    }
    columns = [blocks.words("Source", [study.source_title(source) for source in study.sources])]
    columns += [
        blocks.words(
            "Words" if length == 1 else f"Phrases of {length}",
            [cells.get((source, length), MISSING) for source in study.sources],
        )
        for length in lengths
    ]
    caption = (
        f"{prose(study.title)}: what each source says more than all the others together, with z of the log-odds under "
        f"an informative Dirichlet prior [@monroe2008].{_made(table)}"
    )
    return blocks.table(f"{study.name}-distinctive", caption, columns)


def repeated_table(study: Study) -> str:
    """Table: the most repeated openings and sentences of each source."""
    table = study.style_tables["repeated"]
    if table.empty:
        return "No opening and no sentence stands in two responses of one source."
    shown = list(table.groupby(["source", "kind"], sort=False).head(3).itertuples())
    columns = [
        blocks.words("Source", [study.source_title(row.source) for row in shown]),
        blocks.words("Kind", [row.kind for row in shown]),
        blocks.words("Words", [row.phrase for row in shown]),
        blocks.numbers("Responses", [count(row.n) for row in shown]),
        blocks.numbers("% of the source", [number(100 * row.share, 1) for row in shown]),
    ]
    caption = (
        f"{prose(study.title)}: the openings (first four words) and sentences that most responses of a source share, "
        f"three of each kind at most.{_made(table)}"
    )
    return blocks.table(f"{study.name}-repeated", caption, columns)


def likeness_table(run: Run, study: Study) -> str:
    """Table: how alike the responses of each source are, to each other and to their posts."""
    table = study.style_tables["likeness"]
    rows = list(table.itertuples())
    columns = [
        blocks.words("Source", [study.source_title(row.source) for row in rows]),
        blocks.words("By", [row.measure for row in rows]),
        blocks.words("To", ["each other" if row.to == "own" else "the post" for row in rows]),
        blocks.numbers("Mean cosine", [number(row.mean, 3) for row in rows]),
        blocks.numbers("95% interval", [interval(row.conf_low, row.conf_high, 3) for row in rows]),
    ]
    caption = (
        f"{prose(study.title)}: how alike the responses of each source are. By runs of words: the cosine of two texts' "
        f"sets of runs of three words.{_made(table)}"
    )
    if "embeddings" not in set(table.measure):
        caption += " Likeness by meaning is left out: the config names no encoder (`style: embeddings:`)."
    else:
        encoder = run.config["models"][study.settings["style"]["embeddings"]]["title"]
        caption += f" Embeddings are those of {prose(encoder)}."
    return blocks.table(f"{study.name}-likeness", caption, columns)


def ratings_table(study: Study) -> str:
    """Table: the features that go with ratings most."""
    table = study.style_tables.get("ratings")
    if table is None:
        why = (
            "there are no ratings"
            if study.ratings is None
            else "the ratings are simulated, and simulated raters do not read"
        )
        return f"Which features go with higher ratings is left out: {why}."
    within = table[table.level == "within"].dropna(subset=["p_value"])
    shown = within.assign(size=within.correlation.abs()).sort_values("size", ascending=False).head(BY_RATING)
    between = table[table.level == "between"].set_index("feature").correlation
    rows = list(shown.itertuples())
    columns = [
        blocks.words("Feature", [_plain(row.feature) for row in rows]),
        blocks.numbers("r within sources", [number(row.correlation) for row in rows]),
        blocks.numbers("95% interval", [interval(row.conf_low, row.conf_high) for row in rows]),
        blocks.numbers("Rating units an SD", [number(row.slope, 3) for row in rows]),
        blocks.numbers("p, adjusted", [p_value(row.p_adjusted) for row in rows]),
        blocks.numbers("r between sources", [number(between[row.feature]) for row in rows]),
    ]
    caption = (
        f"{prose(study.title)}: features that go with the mean rating of a response, the {count(len(rows))} of the "
        "largest correlations within sources. The correlations between the means of sources rest on "
        f"{counted(len(study.sources), 'source')}, and test nothing.{_made(table)}"
    )
    return blocks.table(f"{study.name}-style-ratings", caption, columns)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _made(table: pd.DataFrame) -> str:
    return MADE[weakest(table.origin.unique())]
