"""Storages and caches that are out of order for a while, and what is read from where."""

from __future__ import annotations

from typing import Any

import pytest

from selinon_core.plan import Plan
from tests.local.trying import HERE, build, each, holding, names, node, play, told


class Silent(Exception):
    def __repr__(self) -> str:
        raise RuntimeError("no text")


def broken(times: int, error: BaseException | None = None) -> Any:
    left = iter(range(times))

    def hook(*address: str) -> None:
        if next(left, None) is not None:
            raise error or OSError("no route to host")

    return hook


def conditional(**flow: Any) -> Plan:
    return build({"f": {"edges": ["-> A", ("A -> B", holding())], **flow}})


def always(message: Any, args: Any) -> bool:
    return True


class TestReadingFails:
    def test_the_decision_is_put_off_and_nothing_is_lost_when_it_recovers(self) -> None:
        does = {"A": lambda task, args: 5, "holds": lambda message, args: message == 5, "retrieve": broken(9)}
        run = play(conditional(), does=does, storage="real")
        assert (run.status, names(run), run.virtual_seconds) == ("success", ["A", "B"], 9.0)
        events = told(run, "DISPATCHER_RETRY")
        assert [event["time"] for event in events] == [float(i) for i in range(9)]
        assert all(event["edge"] == 1 and event["where"] for event in events)
        assert len(told(run, "STORAGE_ISSUE")) == 9
        assert not told(run, "FLOW_RETRY")
        assert run.edges[1]["considered"] == run.edges[1]["fired"] == 1

    def test_after_ten_times_the_flow_fails(self) -> None:
        run = play(conditional(), does={"retrieve": broken(99), "holds": always}, storage="real")
        assert (run.status, len(told(run, "STORAGE_ISSUE"))) == ("failure", 10)
        assert run.error is not None
        assert run.error.endswith(
            """10 times in a row: cannot read from storage "S": OSError('no route to host')"""
        )
        assert "A -> B" in run.error

    @pytest.mark.parametrize("error", [SystemExit(3), Silent()])
    def test_one_that_exits_or_cannot_even_say_why_is_out_of_order_too(self, error: BaseException) -> None:
        run = play(conditional(), does={"retrieve": broken(9, error), "holds": always}, storage="real")
        assert (run.status, len(told(run, "STORAGE_ISSUE"))) == ("success", 9)

    def test_the_countdown_of_the_flow_is_the_delay_and_retries_are_not_used_up(self) -> None:
        plan = conditional(max_retry=1, retry_countdown=30)
        run = play(plan, does={"retrieve": broken(3), "holds": always}, storage="real")
        assert (run.status, run.virtual_seconds, names(run)) == ("success", 90.0, ["A", "B"])

    def test_other_branches_go_on_meanwhile(self) -> None:
        plan = build({"f": ["-> A C", ("A -> B", holding()), "C -> D", "B D -> E"]})
        run = play(plan, does={"retrieve": broken(5), "holds": always}, storage="real")
        assert run.status == "success"
        assert (node(run, "D")["finished_at"], node(run, "B")["started_at"]) == (0.0, 5.0)
        assert names(run) == ["A", "C", "D", "B", "E"]

    def test_a_missing_result_is_missing_for_good(self) -> None:
        run = play(conditional(), does={"retrieve": broken(1, KeyError("A")), "holds": always}, storage="real")
        assert (run.status, run.virtual_seconds) == ("failure", 0.0)
        assert run.error is not None
        assert "has no result of A" in run.error

    def test_a_foreach_is_put_off_too(self) -> None:
        plan = build({"f": ["-> A", ("A -> B", each(True))]})
        does = {"A": lambda t, a: [1, 2], "items": lambda pool, args: pool.get("A"), "retrieve": broken(2)}
        run = play(plan, does=does, storage="real")
        assert (run.status, names(run), run.virtual_seconds) == ("success", ["A", "B", "B"], 2.0)

    def test_node_args_from_first_are_put_off_too(self) -> None:
        plan = build({"f": {"edges": ["-> A", "A -> B"], "node_args_from_first": True}})
        run = play(plan, does={"A": lambda t, a: [1], "retrieve": broken(2)}, storage="real")
        assert (run.status, node(run, "B")["node_args"], run.virtual_seconds) == ("success", [1], 2.0)
        assert told(run, "DISPATCHER_RETRY")[0]["node_name"] == "A"

    def test_a_task_that_reads_is_retried_as_for_any_error(self) -> None:
        plan = build({"f": ["-> A", "A -> B"]}, {"B": {"max_retry": 2, "retry_countdown": 4}})
        does = {
            "A": lambda task, args: "a",
            "B": lambda task, args: task.parent_task_result("A"),
            "retrieve": broken(2),
        }
        run = play(plan, does=does, storage="real")
        assert (node(run, "B")["attempts"], node(run, "B")["result"], run.virtual_seconds) == (3, "a", 8.0)


class TestCaches:
    def plan(self, **cache: Any) -> Plan:
        return build(
            {"f": ["-> A", ("A -> B", holding()), "B -> C"]},
            storages={"S": {"classname": "Remembering", "cache": {"name": "Caching", "import": HERE, **cache}}},
        )

    def does(self, **more: Any) -> dict[str, Any]:
        kept: dict[str, Any] = {}

        def get(item_id: str) -> Any:
            from selinon_core.errors import CacheMissError

            if item_id not in kept:
                raise CacheMissError(item_id)
            return kept[item_id]

        read = {"C": lambda task, args: task.parent["B"] and None, "A": lambda task, args: {"x": 1}}
        return {"cache.add": kept.__setitem__, "cache.get": get, "holds": always, **read, **more}

    def test_a_second_reading_comes_from_the_cache(self) -> None:
        does = self.does(B=lambda task, args: task.parent_task_result("A"))
        run = play(self.plan(), does=does, storage="real")
        assert node(run, "B")["result"] == {"x": 1}
        events = [line["event"] for line in run.trace() if "CACHE" in line["event"]]
        assert [event.removeprefix("TASK_RESULT_CACHE_") for event in events] == [
            "GET",
            "MISS",
            "ADD",
            "GET",
            "HIT",
        ]
        assert len(told(run, "STORAGE_RETRIEVE")) == 1
        (hit,) = told(run, "TASK_RESULT_CACHE_HIT")
        assert (hit["flow_name"], hit["dispatcher_id"], hit["task_id"]) == ("f", run.id, node(run, "A")["id"])

    def test_what_a_task_does_to_a_cached_result_is_its_own_business(self) -> None:
        def spoil(task: Any, args: Any) -> Any:
            task.parent_task_result("A")["x"] = "spoiled"
            return task.parent_task_result("A")

        run = play(self.plan(), does=self.does(B=spoil), storage="real")
        assert node(run, "B")["result"] == {"x": 1}

    @pytest.mark.parametrize("where", ["cache.init", "cache.get", "cache.add"])
    @pytest.mark.parametrize("storage", ["real", "mocked"])
    @pytest.mark.parametrize("error", [RuntimeError("cache on fire"), SystemExit("cache on fire")])
    def test_a_failing_cache_is_an_event_and_never_an_error(
        self, where: str, storage: str, error: BaseException
    ) -> None:
        def fail(*arguments: Any) -> None:
            raise error

        run = play(self.plan(), does=self.does(**{where: fail}), storage=storage)
        assert (run.status, names(run)) == ("success", ["A", "B", "C"])
        assert "cache on fire" in told(run, "TASK_RESULT_CACHE_ISSUE")[0]["what"]

    def test_a_cache_that_cannot_be_imported_is_none(self) -> None:
        plan = build(
            {"f": ["-> A", ("A -> B", holding())]},
            storages={"S": {"classname": "Remembering", "cache": {"name": "C", "import": "not_there_at_all"}}},
        )
        for options in ({}, {"mock_all": True}, {"storage": "real"}):
            run = play(plan, does={"holds": always}, **options)
            assert (run.status, names(run)) == ("success", ["A", "B"])


class TestStandIns:
    def test_the_configured_class_is_not_touched(self) -> None:
        plan = build(
            {"f": ["-> A", ("A -> B", holding())]}, storages={"S": {"import": "not_there", "classname": "X"}}
        )
        run = play(plan, does={"A": lambda task, args: [1], "holds": lambda message, args: message == [1]})
        assert (run.status, names(run)) == ("success", ["A", "B"])
        assert run.stored("S") == {("f", "A", node(run, "A")["id"]): [1], ("f", "B", node(run, "B")["id"]): None}

    def test_results_are_kept_under_the_storage_task_name(self) -> None:
        plan = build({"f": ["-> A", "A -> B"]}, {"A": {"storage_task_name": "Alpha"}})
        run = play(plan, does={"A": lambda t, a: 1, "B": lambda task, args: task.parent_task_result("A")})
        assert ("f", "Alpha", node(run, "A")["id"]) in run.stored("S")
        assert node(run, "B")["result"] == 1

    def test_one_storage_can_be_the_real_one(self) -> None:
        stored: list[Any] = []
        plan = build({"f": "-> A B"}, {"B": {"storage": "T"}}, {"T": {"classname": "Remembering"}})
        does = {"A": lambda t, a: "a", "B": lambda t, a: "b", "store": lambda *address: stored.append(address[1])}
        run = play(plan, does=does, real_storages=frozenset({"T"}))
        assert stored == ["B"]
        assert list(run.stored("S").values()) == ["a"]
        assert [e["storage_name"] for e in told(run, "STORAGE_CONNECT")] == ["T"]
        assert [e["storage_name"] for e in told(run, "STORAGE_DISCONNECT")] == ["T"]

    def test_what_only_the_real_storage_has_is_an_error_that_says_so(self) -> None:
        run = play(build({"f": "-> A"}), does={"A": lambda task, args: task.storage.session})
        message = node(run, "A")["error"]["message"]
        assert 'storage "S"' in message
        assert "--real-storage S" in message

    def test_a_task_can_use_its_storage_directly(self) -> None:
        def act(task: Any, args: Any) -> Any:
            task.storage.store(args, "f", "Side", "1", {"x": [1]})
            return task.storage.retrieve("f", "Side", "1")

        assert node(play(build({"f": "-> A"}), does={"A": act}), "A")["result"] == {"x": [1]}

    def test_results_in_sub_flows_are_read_where_they_were_stored(self) -> None:
        plan = build(
            {"f": {"edges": ["-> g", "g -> B"], "propagate_finished": "g"}, "g": ["-> A A"]},
        )
        numbers = iter(range(9))
        does = {
            "A": lambda task, args: next(numbers),
            "B": lambda task, args: [task.parent_flow_result("g", "A", i) for i in (0, 1)],
        }
        assert node(play(plan, does=does), "B")["result"] == [0, 1]
