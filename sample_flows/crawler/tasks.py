"""A breadth-first crawl of the HTML files in ``site/``, and an index of the words in them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from selinon_core import SelinonTask

SITE = Path(__file__).with_name("site")
FRONT_PAGE = {"pages": ["index.html"], "seen": ["index.html"]}


def pages_of_level(storage_pool, level):
    """Fan out: one FetchPage for each page of this level."""
    return (level or FRONT_PAGE)["pages"]


class FetchPage(SelinonTask):
    """Returns the links and the words of a page."""

    def run(self, page):
        reader = LinksAndWords()
        reader.feed((SITE / page).read_text(encoding="utf-8"))
        return {"page": page, "links": reader.links, "words": reader.words}


class FindNewPages(SelinonTask):
    """Returns the next level: pages that are linked from this level and were not seen before."""

    def run(self, level):
        seen = list((level or FRONT_PAGE)["seen"])
        found = []
        for index in range(len(self.parent["level"]["FetchPage"])):
            for link in self.parent_flow_result("level", "FetchPage", index)["links"]:
                if link not in seen:
                    seen.append(link)
                    found.append(link)
        return {"pages": found, "seen": seen}


def next_level(storage_pool, node_args):
    """The one next level, as the arguments of the next crawl."""
    return [storage_pool.get("FindNewPages")]


class WriteIndex(SelinonTask):
    """Returns which pages a word is on, for words that are on more than one."""

    def run(self, node_args):
        index = {}
        for number in range(len(self.parent["crawl"]["FetchPage"])):
            page = self.parent_flow_result("crawl", "FetchPage", number)
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
