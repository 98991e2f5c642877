"""An order is loaded, its items are reserved, it is charged and shipped. A task knows its arguments, no more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from selinon_core import SelinonTask

ORDERS = Path(__file__).with_name("orders.json")


class LoadOrder(SelinonTask):
    def run(self, *, number: int):
        lines = json.loads(ORDERS.read_text())[str(number)]
        total = sum(line["quantity"] * line["price"] for line in lines)
        return {"number": number, "total": total, "lines": lines}


class Reserved(TypedDict):
    item: str
    shelf: str


class ReserveItem(SelinonTask):
    def run(self, *, item: str, quantity: int) -> Reserved:
        return {"item": item, "shelf": f"{item[0].upper()}{quantity}"}


class Charge(SelinonTask):
    def run(self, *, number: int, amount: float):
        return {"receipt": f"R-{number}", "amount": amount}


class Parcel(TypedDict):
    parcel: str
    from_shelves: list[str]


class Ship(SelinonTask):
    def run(self, *, number: int, shelves: list[str]) -> Parcel:
        return {"parcel": f"P-{number}", "from_shelves": shelves}


class ReleaseItems(SelinonTask):
    """The fallback of Charge: puts everything back and says why."""

    def run(self, *, items: list[str], because: str):
        return {"released": items, "because": because}
