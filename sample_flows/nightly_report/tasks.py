"""Sums up the day's sales of every shop."""

from __future__ import annotations

import csv
from pathlib import Path

from selinon_core import SelinonTask

SALES = Path(__file__).with_name("sales")


class FindShops(SelinonTask):
    def run(self, node_args):
        return sorted(file.stem for file in SALES.glob("*.csv"))


def shops(storage_pool, node_args):
    return storage_pool.get("FindShops")


class ReadSales(SelinonTask):
    def run(self, shop):
        with open(SALES / f"{shop}.csv", newline="", encoding="utf-8") as file:
            sales = [{"item": row["item"], "amount": float(row["amount"])} for row in csv.DictReader(file)]
        return {"shop": shop, "sales": sales}


class SumSales(SelinonTask):
    def run(self, shop):
        amounts = [sale["amount"] for sale in self.parent_task_result("ReadSales")["sales"]]
        return {"shop": shop, "sales": len(amounts), "total": sum(amounts)}


class WriteReport(SelinonTask):
    def run(self, node_args):
        runs = range(len(self.parent["all_shops"]["SumSales"]))
        sums = [self.parent_flow_result("all_shops", "SumSales", run) for run in runs]
        lines = [f"{one['shop']}: {one['total']:.2f} in {one['sales']} sales" for one in sums]
        return "\n".join([*sorted(lines), f"all: {sum(one['total'] for one in sums):.2f}"])
