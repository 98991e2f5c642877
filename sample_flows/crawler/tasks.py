"""A breadth-first crawl of the HTML files in ``site/``, and an index of the words in them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TypedDict

from selinon_core import SelinonTask

SITE = Path(__file__).with_name("site")


class Page(TypedDict):
    page: str
    links: list[str]
    words: list[str]


class Level(TypedDict):
    pages: list[str]
    seen: list[str]


class FetchPage(SelinonTask):
    """Returns the links and the words of a page."""

    def run(self, page: str) -> Page:
        reader = LinksAndWords()
        reader.feed((SITE / page).read_text(encoding="utf-8"))
        return {"page": page, "links": reader.links, "words": reader.words}


class FindNewPages(SelinonTask):
    """Returns the next level: pages that are linked from this level and were not seen before."""

    def run(self, *, links: list[str], seen: list[str]) -> Level:
        found = [link for link in dict.fromkeys(links) if link not in seen]
        return {"pages": found, "seen": seen + found}


class WriteIndex(SelinonTask):
    """Returns which pages a word is on, for words that are on more than one."""

    def run(self, *, pages: list[Page]) -> dict[str, list[str]]:
        index: dict[str, list[str]] = {}
        for page in pages:
            for word in sorted(set(page["words"])):
                index.setdefault(word, []).append(page["page"])
        return {word: sorted(pages) for word, pages in sorted(index.items()) if len(pages) > 1}


class LinksAndWords(HTMLParser):
    """Collects local links and words of four letters or more."""

    def __init__(self):
        super().__init__()
        self.links = []
        self.words = []

    def handle_starttag(self, tag, attributes):
        target = dict(attributes).get("href", "")
        if tag == "a" and "://" not in target:
            self.links.append(target)

    def handle_data(self, text):
        self.words += re.findall("[a-z]{4,}", text.lower())
