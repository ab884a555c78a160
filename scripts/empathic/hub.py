"""A model of the Hugging Face hub, by repository and commit: the files that a chat model needs, and no others."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from empathic.errors import InputError

# Neither pickled weights nor code: what is not named here is not fetched.
WANTED = [
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.model",
    "chat_template*",
]
ELSEWHERE = (
    "run this step where it can be, with snakemake --cores 1 --until fetch_model; all else, but for the asking of an "
    "API, runs without a network"
)


def download(name: str, model: dict[str, Any], folder: Path, say: Callable[[str], None]) -> None:
    """Put a model's files into a new folder.

    name: the model's name in the config. model: its settings (settings.HubModel).
    Raises InputError where the repository or the commit is not there, asks for an agreement or a token, cannot be
    reached, or has no weights as safetensors.
    """
    from huggingface_hub import errors, snapshot_download

    place, variable = f"{model['repository']}@{model['revision'][:8]}", model["token_variable"]
    page = f"https://huggingface.co/{model['repository']}"
    say(f"{model['title']}: downloading {place} from the hub")
    try:
        snapshot_download(
            model["repository"],
            revision=model["revision"],
            local_dir=folder,
            allow_patterns=WANTED,
            ignore_patterns=["*/*", "consolidated*"],  # the same weights again, in their publisher's own layout
            token=os.environ.get(variable) or False,
            endpoint=os.environ.get("HF_ENDPOINT"),  # a mirror, where somebody names one
        )
    except errors.GatedRepoError:
        held = "the token in it has no access yet" if os.environ.get(variable) else "it is not set"
        raise InputError(
            f"model '{name}'",
            f"{place} is gated: its owner asks for an agreement",
            f"Accept the terms on {page}, and put a read token of the same account into the environment variable "
            f"{variable} ({held})",
        ) from None
    except errors.RevisionNotFoundError:
        raise InputError(f"model '{name}'", f"{page} has no commit {model['revision']}", "Correct revision") from None
    except errors.RepositoryNotFoundError:
        raise InputError(
            f"model '{name}'",
            f"the hub knows no {model['repository']}, or shows it to nobody without a token",
            f"Correct repository, or put a token that may read it into the environment variable {variable}",
        ) from None
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"model '{name}'", f"{place} could not be fetched ({reason})", f"Try again, or {ELSEWHERE}"
        ) from None
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # The hub's own notes on the download.
    if not list(folder.glob("*.safetensors")) or not (folder / "config.json").is_file():
        raise InputError(
            f"model '{name}'",
            f"{place} has no weights as safetensors",
            "Take a commit that has, as weights that are pickled can run code",
        )
