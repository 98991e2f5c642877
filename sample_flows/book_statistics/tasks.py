"""A library card for a book."""

from __future__ import annotations

from pathlib import Path

from selinon_core import SelinonTask

BOOK = Path(__file__).with_name("book.txt")


class ReadBook(SelinonTask):
    def run(self, node_args):
        title, _, text = BOOK.read_text(encoding="utf-8").partition("\n\n")
        return {"title": title, "words": text.split()}


class CountWords(SelinonTask):
    def run(self, node_args):
        return len(self.parent_task_result("ReadBook")["words"])


class LongestWord(SelinonTask):
    def run(self, node_args):
        return max(self.parent_task_result("ReadBook")["words"], key=len)


class WriteCard(SelinonTask):
    """Its parents are the sources of the edge, so the title, further up, is not among them."""

    def run(self, node_args):
        words, longest = self.parent_task_result("CountWords"), self.parent_task_result("LongestWord")
        return f"{words} words, the longest is {longest!r}"
