"""Texts that people rate: frozen with their hashes, checked whenever they are taken, never changed.

A frozen study is a folder: posts.csv, responses.csv, generations/{source}.jsonl, plan.json (what the config declared at
freezing) and SHA256SUMS over them all, which `sha256sum --check SHA256SUMS` checks without this package.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from empathic import files
from empathic.errors import InputError

SUMS, PLAN = "SHA256SUMS", "plan.json"
# What a config may say otherwise of a source, or of its weights, once its texts are frozen: words for readers, where
# the weights come from (their hash or commit is compared), how fast, at what price and with whose key one asked.
FREE = (
    *("title", "note", "licence", "responses"),
    *("folder", "mirrors", "token_variable", "size_gb", "shards"),
    *("key_variable", "concurrency", "requests_per_minute", "retries", "timeout_s", "longest_wait_s"),
    *("max_tokens_total", "price_per_million", "retires_on"),
)
NOTHING = "not declared"
LONGEST = 200  # characters of a value in a message; the hash tells longer ones apart


@dataclass(frozen=True)
class Difference:
    """Something that is not what it was: its place in the config, and both values in words."""

    what: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.what} was {self.was} at freezing, is {self.now} now"


def makers(sources: Sequence[str], declared: Mapping[str, Any], models: Mapping[str, Any]) -> dict[str, Any]:
    """How each of these sources writes, as far as a text depends on it: its settings, and those of its weights.

    declared, models: the config's `sources` and `models`.
    """
    made = {}
    for name in sources:
        # `device: auto` says nothing of the device; the records do.
        made[name] = {
            key: value
            for key, value in declared[name].items()
            if key not in FREE and (key, value) != ("device", "auto")
        }
        weights = models.get(declared[name].get("model"), {})
        made[name]["weights"] = {key: value for key, value in weights.items() if key not in FREE}
    return made


def with_prompts(makers: Mapping[str, Any]) -> dict[str, Any]:
    """The same, with the text of each prompt in place of its path."""
    return {
        name: maker | ({"prompt": Path(maker["prompt"]).read_text(encoding="utf-8")} if "prompt" in maker else {})
        for name, maker in makers.items()
    }


def with_hashes(given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Files that a lab gave (`file` and what the config says of each), with SHA-256 in place of their paths."""
    return {
        name: {"sha256": files.sha256_file(said["file"])} | {key: said[key] for key in said if key != "file"}
        for name, said in given.items()
    }


def declared(study: Mapping[str, Any], claims: Iterable[Path | str]) -> dict[str, Any]:
    """What a config declares before ratings are known: models, inference, item, exclusions, instrument and claims.

    study: a study of the config as settings.read gives it. claims: the config's files of claims.

    Returns for each its value, or its text, and the SHA-256 of it; None for what the config does not say.
    """
    ratings = study["ratings"] or {}
    values = {
        "sources": study["sources"],
        "models": study["models"],
        "inference": study["inference"],
        "item": ratings.get("item"),
        "exclusions": ratings.get("exclusions"),
    }
    instrument = ratings.get("instrument")
    return {
        **{name: value and _sealed("value", value, files.canonical(value)) for name, value in values.items()},
        "instrument": instrument and _text(instrument),
        "claims": [_text(file) for file in claims],
    }


def _text(file: Path | str) -> dict[str, str]:
    text = Path(file).read_bytes().decode("utf-8")  # with its ends of line: the hash is the file's
    return {"file": Path(file).name, **_sealed("text", text, text)}


def _sealed(kind: str, value: Any, spelled: str) -> dict[str, Any]:
    return {"sha256": files.sha256_text(spelled), kind: value}


def freeze(folder: Path, parts: Mapping[str, Path], plan: dict[str, Any]) -> dict[str, str]:
    """Freeze a study's texts: all of them, or nothing.

    folder: data/frozen/{run}/{study}, which must not be there. parts: the files to copy by their names in it. plan:
    what plan.json says.

    Returns SHA-256 of every file in the folder, by name. Raises InputError where the folder is there.
    """
    if os.path.lexists(folder):
        raise _frozen_already(folder, parts)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for name, file in parts.items():
            files.copy(file, partial / name)
        files.write_json(partial / PLAN, plan)
        sums = {name: files.sha256_file(partial / name) for name in sorted([*parts, PLAN])}
        files.write_text(partial / SUMS, "".join(f"{digest}  {name}\n" for name, digest in sums.items()))
        for file in _files(partial).values():
            # Files alone: in a folder without the right to write, git could not change to another branch.
            file.chmod(0o444)
        os.rename(partial, folder)
    except OSError:
        if folder.exists():
            raise _frozen_already(folder, parts) from None
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return sums | {SUMS: files.sha256_file(folder / SUMS)}


def _frozen_already(folder: Path, parts: Mapping[str, Path]) -> InputError:
    frozen = _files(folder)
    differ = [
        name
        for name, file in parts.items()
        if name not in frozen or files.sha256_file(frozen[name]) != files.sha256_file(file)
    ]
    differ += [name for name in frozen if name not in (*parts, PLAN, SUMS)]
    state = f"those of this run are others ({', '.join(differ)})" if differ else "those of this run are the same"
    return InputError(
        folder,
        f"texts are frozen here already, and stay as they are; {state}",
        f"To take the frozen texts, say `frozen: {folder}` under the study; to freeze others, name the run otherwise",
    )


def check(folder: Path) -> dict[str, Any]:
    """Make sure that a frozen study is what it was. Returns its plan.

    Raises InputError that names every file that is missing, changed or was not there, with its hashes.
    """
    if not (folder / SUMS).is_file():
        what = "it holds no frozen texts (no SHA256SUMS)" if folder.is_dir() else "there is no such folder"
        raise InputError(folder, what, "`snakemake freeze` makes one; correct the path under `frozen`")
    sums, found = _sums(folder / SUMS), _files(folder)
    faults = []
    for name, digest in sums.items():
        if name not in found:
            faults.append(f"{name} is missing (SHA-256 {digest})")
        elif (now := files.sha256_file(found[name])) != digest:
            faults.append(f"{name} was changed: SHA-256 was {digest}, is {now}")
    for name in sorted(set(found) - {*sums, SUMS}):
        faults.append(f"{name} was not there at freezing (SHA-256 {files.sha256_file(found[name])})")
    if faults:
        raise InputError(
            folder,
            "; ".join(faults),
            "Ratings belong to the very texts that were rated: bring the folder back as it was frozen, from git or "
            "from a copy",
        )
    return files.read_json(folder / PLAN)


def _sums(path: Path) -> dict[str, str]:
    sums = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        match = re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line)
        if not match:
            raise InputError(path, f"line {number} is no SHA-256 and name", "Bring the file back as it was frozen")
        sums[match[2]] = match[1]
    return sums


def _files(folder: Path) -> dict[str, Path]:
    return {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if not file.is_dir()}


def agree(folder: Path, plan: Mapping[str, Any], makers: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Make sure that a config says of frozen texts what was so at freezing. Raises InputError where it does not.

    plan: of the frozen study. makers: as with_prompts gives them. given: as with_hashes gives them; what a config
    leaves out is not asked for. A key that one of the two versions of the package does not know is not compared.
    """
    was, now = plan["makers"], makers
    if set(was) != set(now):
        raise InputError(
            folder,
            f"the study's sources are {', '.join(now)}, the frozen ones {', '.join(was)}",
            "List the frozen ones under `sources`, in the order that the tables shall have",
        )
    found = [
        *_differences(was, now, ("sources",)),
        *_differences({name: plan["given"].get(name, {}) for name in given}, dict(given), ()),
    ]
    found = [difference for difference in found if difference.was != NOTHING != difference.now]
    if found:
        raise InputError(
            folder,
            "the config says otherwise of these frozen texts: " + "; ".join(map(str, found)),
            "Bring back what was, or take a file of posts or responses that has changed out of the config (the frozen "
            "texts count); for texts of another making declare another source",
        )


def changes(study: str, plan: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """What a config declares otherwise than at freezing: models, inference, exclusions, instrument and claims.

    study: its name in the config. plan: of the frozen study. now: as `declared` gives it. Of claims those of the study
    count. Comments and the order of keys are no changes. Raises InputError where a file of now cannot be read.
    """
    return list(_differences(_content(plan["study"], plan["declared"]), _content(study, now), ()))


def _content(study: str, sealed: Mapping[str, Any]) -> dict[str, Any]:
    content = {name: part["value"] for name, part in sealed.items() if part and "value" in part}
    if sealed["instrument"]:
        content["instrument"] = _read(sealed["instrument"], "items")
    claims = [claim for file in sealed["claims"] for claim in _read(file, "claims")["claims"]]
    of_study = {
        claim["id"]: {key: claim[key] for key in claim if key not in ("id", "study")}
        for claim in claims
        if claim["study"] == study
    }
    return {**content, "claims": of_study}


def _read(sealed: Mapping[str, Any], key: str) -> dict[str, Any]:
    """What a kept YAML file says: a mapping with a list under this key, whose entries its own module checks."""
    try:
        content = yaml.safe_load(sealed["text"])
    except yaml.YAMLError:
        content = None
    if not isinstance(content, dict) or not isinstance(content.get(key), list):
        raise InputError(
            sealed["file"], f"it holds no {key} that can be read", "Correct the file, or its path in the config"
        )
    return content


_ABSENT = object()


def _differences(was: Any, now: Any, place: tuple[str, ...]) -> Iterator[Difference]:
    was, now = _by_name(was), _by_name(now)
    if isinstance(was, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*was, *now]):
            yield from _differences(was.get(key, _ABSENT), now.get(key, _ABSENT), (*place, str(key)))
    elif was != now:
        yield Difference(" > ".join(place), _in_words(was), _in_words(now))


def _by_name(value: Any) -> Any:
    """A list of things with names, by name: so that a new one is one difference, and the order is none."""
    if isinstance(value, list) and value and all(isinstance(item, dict) and "name" in item for item in value):
        return {item["name"]: {key: item[key] for key in item if key != "name"} for item in value}
    return value


def _in_words(value: Any) -> str:
    if value is _ABSENT or value is None:
        return NOTHING if value is _ABSENT else "empty"
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return words if len(words) <= LONGEST else f"{words[:60]}... (SHA-256 {files.sha256_text(words)})"
