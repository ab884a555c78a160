"""Lists of words, beginnings of words and phrases, looked up in the tokens of a text.

An entry is a word (`sorry`), a beginning (`apolog*`), an ending (`*n't`), or a phrase of such (`thank* you`). At each
place the longest entry counts, once, and its tokens are then taken.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

MANY = 200_000  # Tokens remembered with what they match: odd texts must not fill the memory.
# From the categories of the token before, and the token after, to a category; None: none.
Condition = Callable[[frozenset[str], str], str | None]


@dataclass(frozen=True)
class Entry:
    """A line of a list: its words and the categories that it counts for.

    counted: False for one that only keeps its words from being counted (`feel sorry`).
    """

    words: tuple[str, ...]
    categories: tuple[str, ...]
    counted: bool = True
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class _Begun:
    """The entries that one token begins: those that may hold whatever comes next, and all by what does come next."""

    entries: tuple[Entry, ...]
    phrases: dict[str, tuple[Entry, ...]]

    @staticmethod
    def of(entries: list[Entry]) -> "_Begun":
        if not entries:
            return _NOTHING
        ordered = sorted(entries, key=lambda entry: (-len(entry.words), "*" in entry.words[0], -len(entry.words[0])))
        second = [entry.words[1] if len(entry.words) > 1 else "*" for entry in ordered]
        anyway = {word: word.endswith("*") for word in second}
        phrases = {
            next_word: tuple(e for e, word in zip(ordered, second, strict=True) if anyway[word] or word == next_word)
            for next_word, whatever in anyway.items()
            if not whatever
        }
        return _Begun(tuple(e for e, word in zip(ordered, second, strict=True) if anyway[word]), phrases)


_NOTHING = _Begun((), {})


class Lexicon:
    """Entries, found by their first word.

    together: a token that an entry has taken is taken for all categories (a LIWC dictionary, in which a phrase stands
    in the place of its words); else for that entry's own (separate lists). contractions: what stands before a token's
    apostrophe is looked up as a word, too (`you're` as `you`), and counts where the list has no entry for the whole.
    """

    def __init__(self, entries: Iterable[Entry], *, together: bool, contractions: bool) -> None:
        self._together, self._contractions = together, contractions
        self._by_word: dict[str, list[Entry]] = {}
        self._by_beginning: dict[str, list[Entry]] = {}
        self._by_ending: dict[str, list[Entry]] = {}
        for entry in entries:
            first = entry.words[0]
            if first.startswith("*"):
                self._by_ending.setdefault(first[1:], []).append(entry)
            elif first.endswith("*"):
                self._by_beginning.setdefault(first[:-1], []).append(entry)
            else:
                self._by_word.setdefault(first, []).append(entry)
        self._beginnings = sorted({len(stem) for stem in self._by_beginning})
        self._remembered: dict[str, _Begun] = {}

    def matches(self, tokens: Sequence[str]) -> list[tuple[int, int, str]]:
        """Each match: its place, how many tokens it takes, and a category of it."""
        found: list[tuple[int, int, str]] = []
        taken: dict[str, int] = {}
        known = self._remembered
        last = len(tokens) - 1
        for place, token in enumerate(tokens):
            begun = known.get(token) or self._remember(token)
            if begun is _NOTHING:  # most tokens
                continue
            if begun.phrases and place < last and tokens[place + 1] in begun.phrases:
                entries = begun.phrases[tokens[place + 1]]
            else:
                entries = begun.entries
            for entry in entries:
                length = len(entry.words)
                if length > 1 and not _follows(entry.words, tokens, place):
                    continue
                categories = self._categories(entry, tokens, place) if entry.conditions else entry.categories
                if self._together:
                    if taken.get("", 0) <= place:
                        found += [(place, length, category) for category in categories]
                        taken[""] = place + length
                    break
                for category in categories:
                    if taken.get(category, 0) <= place:
                        taken[category] = place + length
                        if entry.counted:
                            found.append((place, length, category))
        return found

    def _remember(self, token: str) -> _Begun:
        """The entries that a token may begin: long before short, words before beginnings, long beginnings first."""
        if len(self._remembered) >= MANY:
            self._remembered.clear()
        entries = self._starting(token)
        if self._contractions and "'" in token:
            entries += [entry for entry in self._starting(token.partition("'")[0]) if len(entry.words) == 1]
        return self._remembered.setdefault(token, _Begun.of(entries))

    def _starting(self, token: str) -> list[Entry]:
        entries = list(self._by_word.get(token, ()))
        for length in self._beginnings:
            if length > len(token):
                break
            entries += self._by_beginning.get(token[:length], ())
        for ending, own in self._by_ending.items():
            if token.endswith(ending):
                entries += own
        return entries

    def _categories(self, entry: Entry, tokens: Sequence[str], place: int) -> tuple[str, ...]:
        before = self._remember(tokens[place - 1]).entries if place else ()
        of_before = frozenset(category for other in before if len(other.words) == 1 for category in other.categories)
        after = tokens[place + len(entry.words)] if place + len(entry.words) < len(tokens) else ""
        given = [condition(of_before, after) for condition in entry.conditions]
        return tuple(dict.fromkeys([*entry.categories, *filter(None, given)]))


def _follows(words: tuple[str, ...], tokens: Sequence[str], place: int) -> bool:
    """Whether the further words of a phrase stand behind its first."""
    if place + len(words) > len(tokens):
        return False
    for word, token in zip(words[1:], tokens[place + 1 : place + len(words)], strict=True):
        if word != token and not (word.endswith("*") and token.startswith(word[:-1])):
            return False
    return True
