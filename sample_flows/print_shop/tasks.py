"""Printing, binding and packing. The tasks know what they are given, and nothing of each other."""

from __future__ import annotations

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
    def run(self, node_args):
        return {"number": node_args["number"], **JOBS[node_args["number"]]}


class PrintSheet(SelinonTask):
    def run(self, node_args):
        if node_args["text"].endswith("?"):
            raise RuntimeError(f"the printer does not take {node_args['text']}")
        return {"sheet": f"{node_args['page']}: {node_args['text']} on {node_args['paper']} paper"}


class Bind(SelinonTask):
    def run(self, node_args):
        return {"book": f"{node_args['title']}: {' | '.join(node_args['sheets'])}"}


class Pack(SelinonTask):
    def run(self, node_args):
        return {"parcel": {"number": node_args["number"], "parts": node_args["parts"]}}


class Refund(SelinonTask):
    def run(self, node_args):
        return f"{node_args['amount']} for job {node_args['number']} ({node_args['because']})"
