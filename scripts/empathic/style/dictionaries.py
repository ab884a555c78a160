"""Dictionaries with many categories: Empath's, which ships, and a replicator's own of LIWC, which does not.

Their categories become features called empath_NAME and liwc_NAME.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from empathic.errors import InputError
from empathic.style.lexicon import Condition, Entry, Lexicon
from empathic.style.tokens import is_emoticon, is_word

EMPATH, LIWC = "empath_", "liwc_"
_CATEGORY = re.compile(r"\d+")
_BRACKETED = re.compile(r"\s*\(.*")
# LIWC 2001 and 2007: `(02 134)125/464` is 125 behind a word of category 2 or 134, else 464; `<of>131/125` is 131 before
# `of`, else 125; either may lack what holds otherwise.
_CONDITIONAL = re.compile(r"(?:\((?P<before>\d+(?: \d+)*)\)|<(?P<after>[^>]+)>)(?P<then>\d+)(?:/(?P<otherwise>\d+))?")
SAVE_AS = "Save the dictionary as UTF-8: two lines of % around the categories, then a word and its numbers on each line"
AS_READ = "Write it as texts are read (letters and digits, with ' or - between them: am for a.m.), or take the line out"


def read_empath(path: Path | str, categories: Sequence[str]) -> Lexicon:
    """Empath's word list (E. Fast, B. Chen and M. Bernstein 2016, CHI): these of its categories.

    Each line is a category and its words, tabs between; `_` stands for a blank. Raises InputError for an unknown
    category.
    """
    rows = [line.split("\t") for line in Path(path).read_text(encoding="utf-8").splitlines() if line]
    known = {name: words for name, *words in rows}
    for name in categories:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise InputError(path, f"Empath has no category '{name}'{hint}", "Correct style > empath in the config")
    entries: dict[tuple[str, ...], list[str]] = {}
    for name in categories:
        for word in dict.fromkeys(known[name]):
            entries.setdefault(tuple(word.lower().split("_")), []).append(EMPATH + name)
    merged = (Entry(words, tuple(names)) for words, names in entries.items())
    return Lexicon(merged, together=False, contractions=True)


def read_liwc(path: Path | str) -> tuple[Lexicon, list[str]]:
    """A dictionary of LIWC 2001 to 2015 (.dic), and the names of its features in its order.

    Between two lines of `%` a number and a name for each category (of a name like `affect (Affect)` what stands before
    the bracket; blanks become `_`),
    then on each line a word, beginning or phrase and the numbers of its categories, tabs between. As LIWC's manuals
    describe: an asterisk takes any ending, a word counts in all its categories, a phrase stands in the place of its
    words, and LIWC2007's conditional categories hold. Raises InputError where the file is no such dictionary, or an
    entry stands in it that no text can have.
    """
    lines = _lines(path)
    bounds = [place for place, line in enumerate(lines) if line.strip() == "%"]
    if len(bounds) < 2:
        raise InputError(path, "two lines of % were expected, around the categories", SAVE_AS)
    names: dict[str, str] = {}
    for row in range(bounds[0] + 1, bounds[1]):
        parts = lines[row].split(maxsplit=1)
        if not parts:
            continue
        if len(parts) < 2 or not _CATEGORY.fullmatch(parts[0]):
            raise InputError(path, f"'{lines[row].strip()}' is no category", SAVE_AS, row=row + 1)
        name = _BRACKETED.sub("", parts[1]) or parts[1]
        names[str(int(parts[0]))] = LIWC + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    twice = [name for number, name in enumerate(names.values()) if name in list(names.values())[:number]]
    if twice:
        raise InputError(path, f"two categories are called {twice[0].removeprefix(LIWC)}", "Rename one of them")
    said = {row + 1: _cells(lines[row]) for row in range(bounds[1] + 1, len(lines)) if lines[row].strip()}
    if not said:
        raise InputError(path, "there are no words behind the categories", SAVE_AS)
    entries = [_entry(path, row, *cells, names=names) for row, cells in said.items()]
    _refuse_what_never_counts(path, {row: cells[0] for row, cells in said.items()})
    return Lexicon(entries, together=True, contractions=False), list(names.values())


def _lines(path: Path | str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise InputError(path, "there is no such file", "Correct style > liwc_dictionary in the config") from None
    except UnicodeDecodeError as error:
        raise InputError(path, f"byte {error.start} is not UTF-8", SAVE_AS) from None


def _cells(line: str) -> list[str]:
    """A line's word or phrase, and the numbers behind it."""
    return [part.strip() for part in unicodedata.normalize("NFC", line).split("\t") if part.strip()]


def _words(entry: str) -> tuple[str, ...]:
    return tuple(entry.lower().replace("’", "'").split())


def _refuse_what_never_counts(path: Path | str, entries: dict[int, str]) -> None:
    """Raise InputError where no text can have an entry. entries: by row."""
    never = {row: entry for row, entry in entries.items() if not _may_count(_words(entry))}
    if never:
        row, *further = never
        problem = f"'{never[row]}' is no word, and no emoticon that is found in texts, so it would never count"
        problem += f" (nor would those of the rows {', '.join(map(str, further))})" if further else ""
        raise InputError(path, problem, AS_READ, row=row)


def _may_count(words: tuple[str, ...]) -> bool:
    stem = words[0].removesuffix("*")
    if len(words) == 1 and (is_emoticon(stem) or is_emoticon(stem.upper())):
        return True
    return all(is_word(word.removesuffix("*"), begins=word.endswith("*")) for word in words)


def _entry(path: Path | str, row: int, first: str, *cells: str, names: dict[str, str]) -> Entry:
    words = _words(first)
    if any("*" in word[:-1] for word in words):
        raise InputError(path, f"'{first}' has an asterisk inside a word", "It stands at the end of a word", row=row)
    plain, conditions = [], []
    for cell in re.findall(r"\([^)]*\)\S+|\S+", " ".join(cells)):
        conditional = _CONDITIONAL.fullmatch(cell)
        numbers = re.findall(r"\d+", re.sub(r"<[^>]*>", "", cell)) if conditional else [cell]
        for number in numbers:
            if not number.isdigit() or str(int(number)) not in names:
                raise InputError(path, f"'{first}' has the category '{cell}', which is none", SAVE_AS, row=row)
        if conditional:
            conditions.append(_condition(conditional, names))
        else:
            plain.append(names[str(int(cell))])
    if not plain and not conditions:
        raise InputError(path, f"'{first}' has no category", SAVE_AS, row=row)
    return Entry(words, tuple(dict.fromkeys(plain)), conditions=tuple(conditions))


def _condition(said: re.Match[str], names: dict[str, str]) -> Condition:
    then = names[str(int(said["then"]))]
    otherwise = names[str(int(said["otherwise"]))] if said["otherwise"] else None
    before = {names[str(int(number))] for number in (said["before"] or "").split()}

    def category(of_before: frozenset[str], after: str) -> str | None:
        holds = bool(before & of_before) if before else after == said["after"].lower()
        return then if holds else otherwise

    return category


def join_liwc22(path: Path | str, response_ids: Collection[str]) -> pd.DataFrame:
    """What LIWC-22 counted: its results, by response_id, as columns called liwc_NAME.

    The file is LIWC-22's CSV of style/texts_for_liwc.csv: the response_id stands in the column of that name, or in the
    first (`Row ID`). Columns that are no numbers, and `Segment`, are left out. Raises InputError where a response has
    no row or two, or a row's response is unknown.
    """
    remedy = "Feed style/texts_for_liwc.csv of this run to LIWC-22, with response_id as the row's id, and name its CSV"
    try:
        table = pd.read_csv(path, dtype="string", keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(path, "there is no such file", "Correct style > liwc_results in the config") from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(path, f"it is no CSV in UTF-8 ({error})", remedy) from None
    key = "response_id" if "response_id" in table else table.columns[0]
    for row, value in enumerate(table[key], start=2):
        if value not in response_ids:
            raise InputError(path, f"'{value}' is no response of this study", remedy, row=row, column=key)
    if table[key].duplicated().any():
        row = int(table[key].duplicated().to_numpy().argmax()) + 2
        raise InputError(path, f"'{table[key].iloc[row - 2]}' stands twice", remedy, row=row, column=key)
    missing = sorted(set(response_ids) - set(table[key]))
    if missing:
        raise InputError(path, f"{len(missing)} responses have no row, the first of them {missing[0]}", remedy)
    columns = {}
    for name in table.columns:
        values = pd.to_numeric(table[name], errors="coerce")
        if name != key and name.lower() not in ("segment", "wc") and values.notna().all():
            columns[LIWC + re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")] = values.to_numpy(float)
    return pd.DataFrame(columns, index=pd.Index(table[key], name="response_id"))
