"""Printing, binding and packing. The tasks know what they are given, and nothing of each other."""

from __future__ import annotations

from typing import TypedDict

from selinon_core import SelinonTask

JOBS = {
    1: {"title": "A poster", "loose": False, "sheets": [{"text": "Sale!", "price": 4.0}]},
    2: {
        "title": "A book",
        "loose": False,
        "sheets": [{"text": text, "price": 0.5} for text in ("Once", "upon", "a time")],
    },
    3: {
        "title": "Menus",
        "loose": True,
        "sheets": [{"text": text, "price": 1.0} for text in ("Soup", "Fish", "Cake")],
    },
    4: {"title": "A stained page", "loose": False, "sheets": [{"text": "ink?", "price": 2.0}]},
    5: {"loose": False, "sheets": []},
}


class ReadJob(SelinonTask):
    def run(self, *, number: int):
        return {"number": number, **JOBS[number]}


class Sheet(TypedDict):
    sheet: str


class PrintSheet(SelinonTask):
    def run(self, *, text: str, page: int, paper: str) -> Sheet:
        if text.endswith("?"):
            raise RuntimeError(f"the printer does not take {text}")
        return {"sheet": f"{page}: {text} on {paper} paper"}


class Book(TypedDict):
    book: str


class Bind(SelinonTask):
    def run(self, *, sheets: list[str], title: str) -> Book:
        return {"book": f"{title}: {' | '.join(sheets)}"}


class Parcel(TypedDict):
    number: int
    parts: list[str]


class Packed(TypedDict):
    parcel: Parcel


class Pack(SelinonTask):
    def run(self, *, number: int, parts: list[str]) -> Packed:
        return {"parcel": {"number": number, "parts": parts}}


class Refund(SelinonTask):
    def run(self, *, number: int, amount: str, because: str) -> str:
        return f"{amount} for job {number} ({because})"
