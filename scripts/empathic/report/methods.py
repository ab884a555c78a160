"""Methods as run: posts, sources, prompt, instrument, quality of the responses."""

from typing import Any

import pandas as pd

from empathic.checks import CHECKS, Check
from empathic.report import blocks
from empathic.report.loading import Run, Study
from empathic.report.words import MISSING, Prose, count, counted, is_missing, listing, number, prose, share

PRECISION = {"none": "not quantized", "int8": "int8", "nf4": "NF4, 4 bit", "fp4": "FP4, 4 bit"}
KINDS = {
    "human": "people",
    "transformers": "a language model, run here",
    "openai": "a language model, asked through an API",
    "archived": "an archive",
}
STANDS_OUT = 0.05  # A check failed by a larger share of a source's texts is said in words; our choice.
ORIGINS = {"observed": "observed", "stand_in": "stand-in", "simulated": "simulated"}


def posts_table(run: Run) -> str:
    """How many posts each study has in each domain."""
    groups = [
        (study.title, domain, rows)
        for study in run.studies.values()
        if study.posts is not None
        for domain, rows in study.posts.groupby("domain", sort=False)
    ]
    if not groups:
        return "No study of this run has texts."
    columns = [
        blocks.words("Study", [title for title, _, _ in groups]),
        blocks.words("Domain", [domain for _, domain, _ in groups]),
        blocks.numbers("Posts", [count(len(rows)) for _, _, rows in groups]),
        blocks.words("Origin", [_origins(rows.origin) for _, _, rows in groups]),
    ]
    return blocks.table("posts", "The posts by domain.", columns)


def sources_table(run: Run) -> str:
    """Every source that a study lists: who wrote, with what weights, in what precision, how texts were drawn."""
    listed = {source: declared for study in run.studies.values() for source, declared in study.declared.items()}
    weights = [_weights(run, source, declared) for source, declared in listed.items()]
    columns = [
        blocks.words("Source", [declared["title"] for declared in listed.values()]),
        blocks.words("Written by", [_writer(run, source, declared) for source, declared in listed.items()]),
        blocks.words("Weights", weights),
        blocks.words("Precision", [_precision(run, source, declared) for source, declared in listed.items()]),
        blocks.words("Decoding", [_decoding(declared) for declared in listed.values()]),
    ]
    return blocks.table("sources", "The sources of responses, and how each wrote.", columns)


def of_kind(run: Run, *kinds: str) -> Prose:
    """The titles of the sources of some kinds whose texts the run has."""
    return listing(prose(declared["title"]) for declared in run.wrote.values() if declared["kind"] in kinds)


def _writer(run: Run, source: str, declared: dict[str, Any]) -> str:
    origins = {study.origins[source] for study in run.studies.values() if source in study.origins}
    if declared["kind"] in ("human", "archived") and origins - {"observed"}:
        return "nobody: " + listing(sorted(ORIGINS[origin] for origin in origins))
    return KINDS.get(declared["kind"], declared["kind"])


def _weights(run: Run, source: str, declared: dict[str, Any]) -> str:
    if declared["kind"] == "archived":
        return "; ".join([*_archived_models(run, source), f"licence: {declared['licence']}"])
    if "model" not in declared:
        return ""
    if declared["kind"] == "openai":
        return f"{declared['model']}; licence: {declared['licence']}"
    model = run.config["models"][declared["model"]]
    return "; ".join(part for part in (model["title"], model["note"], f"licence: {model['licence']}") if part)


def _archived_models(run: Run, source: str) -> list[str]:
    """The models that the archived responses of a source name, each once."""
    tables = [study.responses for study in run.studies.values() if study.responses is not None]
    named = [rows.loc[rows.source == source, "model"].dropna() for rows in tables if "model" in rows]
    return list(dict.fromkeys(model for models in named for model in models))


def _precision(run: Run, source: str, declared: dict[str, Any]) -> str:
    if "quantization" not in declared:
        return ""
    parts = [PRECISION[declared["quantization"]]]
    if declared["quantization"] in ("nf4", "fp4") and declared["double_quantization"]:
        parts.append("constants quantized, too")
    return ", ".join([*parts, f"computing in {declared['compute_dtype']} on {_device(run, source, declared)}"])


def _device(run: Run, source: str, declared: dict[str, Any]) -> str:
    """The kind of device; where the config leaves it to the machine, as the records have it."""
    if declared["device"] != "auto":
        return declared["device"]
    made = [study.generations[source]["device"] for study in run.studies.values() if source in study.generations]
    return listing(sorted({device for devices in made for device in devices}))


def _decoding(declared: dict[str, Any]) -> str:
    if "sampling" not in declared:
        return ""
    drawn = declared["sampling"]
    if declared["kind"] == "openai":
        parts = [f"{name} {value}" for name, value in drawn.items() if value is not None]
        parts = parts or ["as the endpoint does by default"]
        return ", ".join([*parts, counted(declared["samples"], "response") + " a post", *_redraws(declared)])
    parts = [f"temperature {drawn['temperature']:g}", f"top-p {drawn['top_p']:g}"]
    parts += [f"top-k {drawn['top_k']}"] if drawn["top_k"] else []
    parts += [
        f"repetition penalty {drawn['repetition_penalty']:g}",
        f"at most {drawn['max_new_tokens']} new tokens",
        f"batches of {declared['batch_size']}",
        counted(declared["samples"], "response") + " a post",
    ]
    parts += _redraws(declared)
    return ", ".join(parts)


def _redraws(declared: dict[str, Any]) -> list[str]:
    redraws = declared["redraws"]
    return [f"up to {counted(redraws, 'new draw')} of a response outside the words asked for"] if redraws else []


def prompts(run: Run) -> str:
    """Each prompt in full, with the sources that were given it."""
    users: dict[str, list[str]] = {}
    for study in run.studies.values():
        for declared in study.declared.values():
            if "prompt" in declared and declared["title"] not in users.setdefault(declared["prompt"], []):
                users[declared["prompt"]].append(declared["title"])
    if not users:
        return "No source of this run was prompted here."
    parts = []
    for path, titles in users.items():
        parts.append(f"{prose(path)}, given to {listing(prose(title) for title in titles)}:")
        parts.append(blocks.raw(blocks.listing(run.provenance["shown"][path].rstrip("\n"), "prompt")))
    return "\n\n".join(parts)


def frozen(run: Run) -> str:
    """Which texts were frozen, where and when, and what the config declares otherwise since."""
    known = run.provenance["frozen"]
    lines = []
    for name, of_study in known.items():
        since = counted(len(of_study["changes"]), "later change") if of_study["changes"] else "no later change"
        lines.append(
            f"{prose(run.studies[name].title)}: frozen on {prose(of_study['frozen_at'][:10])} by the run "
            f"{prose(of_study['run'])} ({prose(of_study['folder'])}); {since} of what was declared then."
        )
    changes = [(run.studies[name].title, change) for name in known for change in known[name]["changes"]]
    if not changes:
        return blocks.listed(lines)
    columns = [
        blocks.words("Study", [title for title, _ in changes]),
        blocks.words("What", [change["what"] for _, change in changes]),
        blocks.words("At freezing", [change["was"] for _, change in changes]),
        blocks.words("Now", [change["now"] for _, change in changes]),
    ]
    caption = "What this run's config declares otherwise than at the freezing of the texts, before they were rated."
    return blocks.listed(lines) + "\n\n" + blocks.table("changes", caption, columns)


def instrument(study: Study) -> str:
    """What raters were asked: items with scale and anchors, attention checks."""
    items = []
    for item in study.instrument.items:
        anchors = listing(f"{number(point, 0)} “{prose(words)}”" for point, words in item.anchors.items())
        ends = f", with the words {anchors}" if item.anchors else ""
        primary = " (the primary item)" if item.name == study.item.name else ""
        items.append(
            f"**{prose(item.name)}**{primary}: “{prose(item.wording)}”, answered on {prose(item.scale)}{ends}."
        )
    for scale in study.instrument.scales:
        primary = " (the primary item)" if scale.name == study.item.name else ""
        items.append(
            f"**{prose(scale.name)}**{primary}: the mean of {listing(prose(name) for name in scale.items)}, where at "
            f"least {count(scale.least)} of them were answered."
        )
    items += [
        f"Attention check **{prose(check.name)}**: “{prose(check.wording)}”"
        for check in study.instrument.attention_checks
    ]
    return blocks.listed(items)


def quality_table(study: Study) -> str:
    """What each source was asked and gave, and how many of its responses fail each check."""
    rows = list(study.quality.itertuples())
    columns = [
        blocks.words("Source", [study.source_title(row.source) for row in rows]),
        blocks.numbers("Posts answered", [f"{count(row.n_answered)} of {count(row.n_posts)}" for row in rows]),
        blocks.numbers("Texts", [count(row.n_responses) for row in rows]),
        blocks.numbers("No answer", [count(row.n_errors) for row in rows]),
        blocks.numbers("Median words", [number(row.words_median, 1) for row in rows]),
        *(blocks.numbers(check.head, [_failing(row, check) for row in rows]) for check in CHECKS),
    ]
    caption = (
        f"{prose(study.title)}: quality of the responses: how many fail each check, with their share of those that the "
        f"check could judge (a dash: it could judge none). {_asked(study)} *No answer* counts responses that were "
        "asked for and could not be had. The rules stand in docs/CODEBOOK.md under Checks; whatever fails one is kept."
    )
    return blocks.table(f"{study.name}-quality", caption, columns)


def _asked(study: Study) -> str:
    asked = study.settings["asked_words"]
    if asked is None:
        return "No length was asked for."
    return f"*Below* and *Above* are measured against the {count(asked[0])} to {count(asked[1])} words asked for."


def _failing(row, check: Check) -> str:
    failing = getattr(row, check.counted)
    return MISSING if is_missing(failing) else f"{count(failing)} ({share(failing, _judged(row, check))})"


def _judged(row, check: Check) -> int:
    return row.n_language if check.name == "other_language" else row.n_responses


def quality_notes(study: Study) -> str:
    """What stands out in that table: a list of sentences."""
    items = []
    for row in study.quality.itertuples():
        parts = [
            f"{share(getattr(row, check.counted), _judged(row, check))} are {check.said}"
            for check in CHECKS
            if not is_missing(getattr(row, check.counted))
            and getattr(row, check.counted) > STANDS_OUT * _judged(row, check)
        ]
        found = [f"of {counted(row.n_responses, 'text')}, {listing(parts)}"] if parts else []
        if row.n_answered < row.n_posts:
            found.append(f"{count(row.n_posts - row.n_answered)} of {counted(row.n_posts, 'post')} got no answer")
        if not is_missing(row.n_errors) and row.n_errors:
            found.append(f"{counted(row.n_errors, 'response')} could not be had ({count(row.n_empty)} came back empty)")
        halved = _made_with_fewer_rows(study.generations.get(row.source))
        if halved:
            found.append(
                f"{counted(halved, 'text')} came from fewer rows than batch_size asks for, as memory was short, and "
                "may differ from what it gives"
            )
        if found:
            items.append(f"**{prose(study.source_title(row.source))}:** {'; '.join(found)}.")
    if not items:
        limit = f"{number(100 * STANDS_OUT, 0)}%"
        items = [f"Every post has its answers, and no check is failed by more than {limit} of a source's texts."]
    flagged, texts = study.quality.n_flagged.sum(), study.quality.n_responses.sum()
    items.append(
        f"In all, {count(flagged)} of {counted(texts, 'text')} fail at least one check. None is left out for it."
    )
    return blocks.listed(items)


def _made_with_fewer_rows(records: pd.DataFrame | None) -> int:
    if records is None or "batch_size_run" not in records:
        return 0
    return int((records["batch_size_run"] < records["batch_size"]).sum())


def _origins(origins: pd.Series) -> str:
    return listing(ORIGINS[origin] for origin in dict.fromkeys(origins))
