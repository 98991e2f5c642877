"""A class of options: each is declared once, values come by name, and commands share groups."""

from __future__ import annotations

import pytest

from selinon_cli.options import Command, Options, ProjectOptions, choice, flag, group, integer, text, texts
from selinon_cli.parse import parse
from selinon_cli.registry import SELINON, SELINON_CLI, load_command
from selinon_cli.run_options import RunOptions


class Mocks(Options):
    mock = texts("--mock", help="Mock it.")
    seed = integer("--seed", help="The seed.", minimum=0, default=7)


class Play(ProjectOptions):
    loud = flag("--loud", help="Be loud.")
    mocking = group(Mocks, panel="Mocks")
    tune = text("-t", "--tune", help="The tune.", metavar="NAME")


class Rehearse(Options):
    of_play = group(Play, without=("seed",), panel="Of play")
    format = choice("--format", help="How to print.", choices=("text", "json"), default="text")


def test_an_option_is_declared_where_it_stands_and_called_like_its_attribute() -> None:
    assert [(option.name, option.flags) for option in Play.declared] == [
        ("loud", ("--loud",)),
        ("mock", ("--mock",)),
        ("seed", ("--seed",)),
        ("tune", ("-t", "--tune")),
    ]


def test_what_is_not_given_has_its_default() -> None:
    options = Play()
    assert (options.loud, options.tune, options.paths) == (False, None, ())
    assert (options.mocking.mock, options.mocking.seed) == ((), 7)


def test_values_reach_the_group_that_declares_their_option() -> None:
    options = Play(paths=("here",), loud=True, seed=0)
    assert (options.paths, options.loud, options.mocking.seed) == (("here",), True, 0)
    assert Play().mocking.seed == 7


def test_a_group_of_a_group_leaves_out_options_and_moves_the_others_in_the_help() -> None:
    shown = [(option.name, option.panel) for option in Rehearse.declared]
    assert shown == [("loud", "Of play"), ("mock", "Of play"), ("tune", "Of play"), ("format", "")]
    options = Rehearse(mock=("A=1",), tune="la")
    assert (options.of_play.mocking.mock, options.of_play.mocking.seed, options.of_play.tune) == (
        ("A=1",),
        7,
        "la",
    )
    assert [option.panel for option in Play.declared] == ["", "Mocks", "Mocks", ""]


def test_values_make_an_equal_object() -> None:
    values = Play(mock=("A=1", "B=2"), tune="la").values()
    assert values == {"loud": False, "mock": ("A=1", "B=2"), "seed": 7, "tune": "la"}
    assert Play(**values).values() == values


@pytest.mark.parametrize("name", ["lod", "seed"])
def test_a_value_without_an_option_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=f"Rehearse has no option {name}"):
        Rehearse(**{name: True})


def test_a_command_about_a_project_is_one_whose_options_are() -> None:
    def play(terminal: object, options: Play) -> int:
        return 0

    names = [option.name for option in Command("play", "Play.", play, Play).parameters()]
    assert names[:4] == ["paths", "nodes_definition", "flow_definitions", "loud"]
    names = [option.name for option in Command("rehearse", "Rehearse.", play, Rehearse).parameters()]
    assert names[0] == "loud"


def test_no_command_has_two_options_of_one_name() -> None:
    for program in (SELINON, SELINON_CLI):
        for command in program.commands:
            names = [option.name for option in load_command(program, command).parameters()]
            assert len(names) == len(set(names)), command


def test_a_command_line_becomes_values_of_the_command_s_options() -> None:
    invocation = parse(SELINON, ["run", "--local", "--mock", "A=1", "--seed", "3"], {})
    assert invocation is not None
    given = {name: value for name, value in invocation.values.items() if name in RunOptions().values()}
    options = RunOptions(**given)
    assert (options.local, options.mocking.mock, options.execution.seed) == (True, ("A=1",), 3)
