"""An order is loaded, its items are reserved, it is charged and shipped. For tests, see ``shop.py``."""

from __future__ import annotations

import json
from pathlib import Path

from selinon_core import SelinonTask

ORDERS = Path(__file__).with_name("orders.json")


class LoadOrder(SelinonTask):
    """Returns order number ``node_args["number"]``, by default number 7."""

    def run(self, node_args):
        number = (node_args or {}).get("number", 7)
        lines = json.loads(ORDERS.read_text())[str(number)]
        total = sum(line["quantity"] * line["price"] for line in lines)
        return {"number": number, "total": total, "lines": lines}


def order_lines(storage_pool, order):
    """One item is reserved for each line of the order."""
    return order["lines"]


class ReserveItem(SelinonTask):
    def run(self, line):
        return {"item": line["item"], "shelf": f"{line['item'][0].upper()}{line['quantity']}"}


class Charge(SelinonTask):
    def run(self, order):
        return {"receipt": f"R-{order['number']}", "amount": order["total"]}


class Ship(SelinonTask):
    def run(self, order):
        shelves = [
            self.parent_flow_result("reserve", "ReserveItem", index)["shelf"]
            for index in range(len(self.parent["reserve"]["ReserveItem"]))
        ]
        return {"parcel": f"P-{order['number']}", "from_shelves": shelves}


class ReleaseItems(SelinonTask):
    """The fallback of Charge: puts everything back and says why."""

    def run(self, order):
        released = [line["item"] for line in order["lines"]]
        return {"released": released, "because": str(self.parent_task_exception("Charge"))}
