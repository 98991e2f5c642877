"""A library card for a book."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from selinon_core import SelinonTask

BOOK = Path(__file__).with_name("book.txt")


class Book(TypedDict):
    title: str
    words: list[str]


class ReadBook(SelinonTask):
    def run(self, node_args) -> Book:
        title, _, text = BOOK.read_text(encoding="utf-8").partition("\n\n")
        return {"title": title, "words": text.split()}


class CountWords(SelinonTask):
    def run(self, *, words: list[str]) -> int:
        return len(words)


class LongestWord(SelinonTask):
    def run(self, *, words: list[str]) -> str:
        return max(words, key=len)


class WriteCard(SelinonTask):
    def run(self, *, title: str, words: int, longest: str) -> str:
        return f"{title}: {words} words, the longest is {longest!r}"
