"""What a PDF holds, by poppler's pdftotext."""

import re
import shutil
import subprocess
import unicodedata
from dataclasses import dataclass


@dataclass
class Pdf:
    """A PDF taken apart. text: without white space; beyond: words that stand outside their page.

    words: in their order, each with its page and where it ends, in points from the left.
    """

    text: str
    pages: int
    beyond: list[str]
    words: list[tuple[int, float, str]]


def missing():
    """What lacks to read a PDF; None where nothing does."""
    return None if shutil.which("pdftotext") else "no pdftotext on PATH (apt-get install poppler-utils)"


def read(path):
    """Take apart a PDF."""
    boxes = _pdftotext("-bbox", path)
    beyond, ends = [], []
    pages = re.findall(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', boxes, re.S)
    for page, (width, height, words) in enumerate(pages):
        place = re.compile(r'<word xMin="(\S+)" yMin="(\S+)" xMax="(\S+)" yMax="(\S+)">(.*?)</word>')
        for *sides, word in place.findall(words):
            left, top, right, bottom = map(float, sides)
            ends.append((page, right, word))
            if left < 0 or top < 0 or right > float(width) or bottom > float(height):
                beyond.append(word)
    without_page_numbers = re.sub(r"\n\d+\s*\f", "\n", _pdftotext("-raw", path))
    return Pdf(tight(without_page_numbers), len(pages), beyond, ends)


def tight(text):
    """A text without white space, hyphenation and ligatures, as a page breaks its lines where it likes."""
    kept = (char for char in unicodedata.normalize("NFKC", text) if not char.isspace())
    return "".join(char for char in kept if unicodedata.category(char) != "Cf")


def _pdftotext(option, path):
    return subprocess.run(["pdftotext", option, path, "-"], check=True, capture_output=True, text=True).stdout
