"""The word lists that ship: read from data/wordlists, counted where each list says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from empathic.errors import InputError
from empathic.style.lexicon import Entry, Lexicon

ANYWHERE, SENTENCE, START, END = "anywhere", "start of a sentence", "start of the text", "end of the text"
LAST = 12  # tokens that are the end of a text
REQUIRED = ("source", "licence")


@dataclass(frozen=True)
class Wordlists:
    """Lists by name, as one lexicon, and where each of them counts."""

    lexicon: Lexicon
    where: dict[str, str]

    def count(self, sentences: Sequence[Sequence[str]], tokens: Sequence[str]) -> dict[str, int]:
        """How often each list's entries occur, each where its list says.

        sentences: the words of each; tokens: all of them in order, in small letters (tokens.Text).
        """
        counts = dict.fromkeys(self.where, 0)
        starts = set(accumulate(map(len, sentences), initial=0))
        for place, _, name in self.lexicon.matches(tokens):
            where = self.where[name]
            counts[name] += (
                where == ANYWHERE
                or (where == SENTENCE and place in starts)
                or (where == START and place == 0)
                or (where == END and place >= len(tokens) - LAST)
            )
        return counts


def read(paths: Iterable[Path | str]) -> Wordlists:
    """Read lists of words: one entry a line, named by its file.

    Lines that begin with `#` tell what the list is, its `source`, its `licence`, and, where it does not count anywhere,
    `where`. A line that begins with `!` names words that the list leaves alone. Raises
    InputError where a file is no such list.
    """
    where: dict[str, str] = {}
    entries: dict[tuple[tuple[str, ...], bool], list[str]] = {}
    for path in map(Path, paths):
        where |= _where(path)
        for words, counted in _entries(path):
            entries.setdefault((words, counted), []).append(path.stem)
    merged = (Entry(words, tuple(dict.fromkeys(names)), counted) for (words, counted), names in entries.items())
    return Wordlists(Lexicon(merged, together=False, contractions=True), where)


def _entries(path: Path) -> list[tuple[tuple[str, ...], bool]]:
    rows = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        entry = line.strip().lower()
        if not entry or entry.startswith("#"):
            continue
        words = tuple(entry.removeprefix("!").split())
        if not words or any("*" in word[1:-1] for word in words):
            raise InputError(path, f"'{entry}' is no entry", "An asterisk stands at an end of a word", row=number)
        rows.append((words, not entry.startswith("!")))
    return rows


def _where(path: Path) -> dict[str, str]:
    said = dict(
        line[1:].strip().split(": ", 1) for line in _text(path).splitlines() if line.startswith("#") and ": " in line
    )
    missing = [key for key in REQUIRED if not said.get(key)]
    if missing:
        raise InputError(path, f"the list does not tell its {missing[0]}", f"Add a line like: # {missing[0]}: ...")
    where = said.get("where", ANYWHERE)
    if where not in (ANYWHERE, SENTENCE, START, END):
        raise InputError(path, f"unknown place '{where}'", f"Known after `# where: ` are {SENTENCE}, {START} and {END}")
    return {path.stem: where}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(path, "there is no such file", "The lists that ship lie in data/wordlists") from None
    except UnicodeDecodeError as error:
        raise InputError(path, f"byte {error.start} is not UTF-8", "Save the file as UTF-8") from None
