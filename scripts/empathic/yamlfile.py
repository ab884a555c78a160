"""YAML files that people write: read whole, or refused with one message that says where."""

from pathlib import Path
from typing import Any

import yaml

from empathic.errors import InputError


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, of which YAML's own loader would drop the first."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        for number, (key, _) in enumerate(node.value):
            if key.value in keys[:number]:
                raise yaml.MarkedYAMLError(problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def read(path: Path | str, where: str) -> Any:
    """Read a YAML file in UTF-8.

    where: what to do where there is no such file. Raises InputError for that, another encoding, or what is no YAML,
    with the line.
    """
    try:
        return yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        raise InputError(path, "there is no such file", where) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(path, f"line {line}: byte {error.start} is not UTF-8", "Save the file as UTF-8") from None
    except yaml.YAMLError as error:
        raise InputError(path, _problem(error), "Correct the YAML there") from None


def read_config(path: Path | str) -> dict[str, Any]:
    """Read a run's config, unchecked (see settings.read). Raises InputError where it holds no keys, too."""
    content = read(path, "Name one that is there (make report CONFIG=configs/NAME.yaml)")
    if not isinstance(content, dict) or not content:
        found = "it is empty" if not content else f"it holds a {type(content).__name__} where keys are expected"
        raise InputError(path, found, "Write keys like `run:` into it; configs/template.yaml has them all")
    return content


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{place}{getattr(error, 'problem', None) or error}"
