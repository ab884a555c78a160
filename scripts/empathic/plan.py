"""What a run would cost before it runs: responses, tokens, hours, money and disk, and what is there already.

Nothing is fetched, loaded or asked for. What cannot be known here is said to be unknown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from empathic import api, device, generation, posts, prompts, records, settings, weights

TOKENS_A_WORD = 1.35  # of English, by the tokenizers of today's chat models; where a model's own is not here
ALIKE = ("weights_sha256", "quantization", "double_quantization", "compute_dtype", "device", "batch_size", "context")
RESPONSE_KB = 8  # of a response, in cache/ and results/ together (bench/default_run.md)
REPORT_MB = 3

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """One source in one study: responses in all and there already, and tokens still to be read and, at most, written.
    What may be drawn again counts as drawn as often as it may.

    written: None where nothing limits an answer. tokens_per_s: of one job, as records of the same weights and settings
    were made before, and on what; None where there are none. price: per million tokens, as in the config.
    retired: the day, past already, on which its model was announced to retire.
    """

    study: str
    source: str
    responses: int
    cached: int
    read: int
    written: int | None
    tokens_per_s: float | None = None
    on: str | None = None
    price: dict[str, Any] | None = None
    retired: str | None = None

    @property
    def hours(self) -> float | None:
        """Hours of one job at most: every text as long as its limit."""
        if self.tokens_per_s is None or self.written is None:
            return None
        return self.written / self.tokens_per_s / 3600

    @property
    def money(self) -> float | None:
        """What an API would charge at most, in the price's currency."""
        if not self.price or self.written is None:
            return None
        return (self.read * self.price["input"] + self.written * self.price["output"]) / 1e6


def parts(config: dict[str, Any], warn: Warn) -> list[Part]:
    """What is asked of each source that writes in the run. Raises InputError as the run itself would."""
    makers = {"transformers": _generated, "openai": _asked_for}
    found = []
    for name, study in config["studies"].items():
        if not study["posts"] or study["frozen"]:
            continue
        given = study["posts"]
        table = posts.read(
            given["file"], origin=given["origin"], per_domain=given["per_domain"], columns=given["columns"]
        )
        kinds = {source: config["sources"][source]["kind"] for source in study["sources"]}
        found += [makers[kind](config, name, source, table, warn) for source, kind in kinds.items() if kind in makers]
    return found


def _asked_for(config: dict[str, Any], study: str, name: str, table: pd.DataFrame, warn: Warn) -> Part:
    source = config["sources"][name]
    redraw = settings.redraw(source, config["studies"][study])
    arm = api.Arm(study, name, source, prompts.read(source["prompt"]), config["seed"], redraw)
    asked = api.request_all(table, arm)
    there = records.look_up(arm.records_in(Path(config["cache"])), warn)
    missing = [one for one in asked if one["key"] not in there or records.to_try_again(there[one["key"]])]
    limit = source["sampling"]["max_tokens"] or source["sampling"]["max_completion_tokens"]
    draws = 1 + source["redraws"]
    read = sum(_guessed(one["messages"]) for one in missing) * draws
    written = limit * len(missing) * draws if limit else None
    retires_on = source["retires_on"]
    return Part(
        study,
        name,
        len(asked),
        len(asked) - len(missing),
        read,
        written,
        price=source["price_per_million"],
        retired=retires_on if retires_on and date.fromisoformat(retires_on) <= date.today() else None,
    )


def _generated(config: dict[str, Any], study: str, name: str, table: pd.DataFrame, warn: Warn) -> Part:
    source, cache = device.settled(config["sources"][name]), Path(config["cache"])
    template = prompts.read(source["prompt"])
    limit = source["sampling"]["max_new_tokens"] * (1 + source["redraws"])
    manifest = weights.there_already(source["model"], config["models"][source["model"]], cache)
    if not manifest:
        number = len(table) * source["samples"]
        read = sum(_guessed(prompts.messages(template, text)) for text in table["text"]) * source["samples"]
        return Part(study, name, number, 0, read, limit * number)
    redraw = settings.redraw(source, config["studies"][study])
    arm = generation.Arm(study, name, source, manifest, template, config["seed"], redraw)
    asked = generation.request_all(table, arm, generation.tokenizer_of(manifest))
    there = records.look_up(arm.records_in(cache), warn)
    missing = [one for one in asked if one.record["key"] not in there]
    read = sum(len(one.tokens) for one in missing)
    speed, on = measured(cache, asked[0].record, warn)
    return Part(study, name, len(asked), len(asked) - len(missing), read, limit * len(missing), speed, on)


def _guessed(messages: list[dict[str, str]]) -> int:
    return round(TOKENS_A_WORD * sum(len(message["content"].split()) for message in messages))


def measured(cache: Path, like: dict[str, Any], warn: Warn) -> tuple[float | None, str | None]:
    """New tokens a second of one job that ran with the same weights and settings, and what it ran on.

    From the records: the tokens in a job's file over the time in which at least one of them was under way, so that a
    job that was cut short and went on the next day is not slower for the night. Of several files the one with most
    tokens counts, as the beginning and the end of a job, with few rows busy, weigh least there.
    """
    best: tuple[int, float, str] | None = None
    for file in sorted((cache / "records").glob("*/*/*.jsonl")):
        made = [one for one in records.read(file, warn) if all(one.get(field) == like[field] for field in ALIKE)]
        tokens = sum(record["new_tokens"] for record in made)
        if tokens > (best[0] if best else 0):
            best = (tokens, tokens / _busy(made), made[0]["device_name"])
    return best[1:] if best else (None, None)


def _busy(made: list[dict[str, Any]]) -> float:
    """Seconds in which at least one of these records was being made."""
    spans = sorted([datetime.fromisoformat(record[edge]) for edge in ("started", "ended")] for record in made)
    seconds, until = 0.0, spans[0][0]
    for started, ended in spans:
        seconds += max((ended - max(started, until)).total_seconds(), 0.0)
        until = max(until, ended)
    return seconds


def disk(config: dict[str, Any], planned: list[Part]) -> list[str]:
    """A line for each model that is used, here or to be fetched, and one for what the run itself writes."""
    used = {config["sources"][part.source].get("model") for part in planned}
    used |= {study["style"]["embeddings"] for study in config["studies"].values()}
    lines = []
    for name, model in config["models"].items():
        if name not in used:
            continue
        manifest = weights.there_already(name, model, Path(config["cache"]))
        if manifest:
            size = sum(file["bytes"] for file in manifest["files"].values()) / 1e9
            lines.append(f"{model['title']}: {size:.1f} GB, here")
        else:
            size = (
                f"about {model['size_gb']:g} GB" if model.get("size_gb") else "of a size that the config does not say"
            )
            lines.append(f"{model['title']}: {size}, to be fetched")
    responses = sum(part.responses for part in planned)
    return [*lines, f"results: about {REPORT_MB + responses * RESPONSE_KB / 1000:.0f} MB"]


def text(config: dict[str, Any], warn: Warn) -> str:
    """The plan as a person reads it."""
    planned = parts(config, warn)
    if not planned:
        return f"Run '{config['run']}': no response is generated or asked for.\n"
    rows = [
        {
            "study": part.study,
            "source": part.source,
            "responses": part.responses,
            "there already": part.cached,
            "tokens to read": part.read,
            "to write, at most": "no limit" if part.written is None else part.written,
            "tokens/s of a job": "-" if part.tokens_per_s is None else f"{part.tokens_per_s:.0f} ({part.on})",
            "hours of a job, at most": "-" if part.hours is None else f"{part.hours:.2f}",
            "price, at most": "-" if part.money is None else f"{part.money:.2f} {part.price['currency']}",
        }
        for part in planned
    ]
    kinds = {name: source["kind"] for name, source in config["sources"].items()}
    unmeasured = [
        part
        for part in planned
        if part.tokens_per_s is None and kinds[part.source] == "transformers" and part.cached < part.responses
    ]
    lines = [f"Run '{config['run']}', before it starts:", "", pd.DataFrame(rows).to_string(index=False), ""]
    if unmeasured:
        lines.append(
            "Where no speed stands, no response was made with these weights and settings yet, or the weights are not "
            "here: run a few posts first (posts > per_domain), and plan again."
        )
    gone = {part.source: part.retired for part in planned if part.retired and part.cached < part.responses}
    lines += [
        f"The model of '{source}' was announced to retire on {day}: where the endpoint no longer knows it, responses "
        "of it can only come from an archive (kind: archived)."
        for source, day in gone.items()
    ]
    unpriced = {part.source for part in planned if kinds[part.source] == "openai" and not part.price}
    lines += [f"What '{source}' costs is not known: price_per_million of the source." for source in sorted(unpriced)]
    return "\n".join([*lines, *disk(config, planned)]) + "\n"
