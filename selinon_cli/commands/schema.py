"""``selinon schema``: the JSON Schema of the YAML files or of case files, for editors; that of a task's code."""

from __future__ import annotations

from selinon_cli.exits import EXIT_OK, UsageError
from selinon_cli.options import Command, ProjectOptions, flag, text, texts
from selinon_cli.terminal import Terminal


class SchemaOptions(ProjectOptions):
    """What ``selinon schema`` takes."""

    tests = flag("--tests", help="The schema of case files (*.flowtest.yaml).")
    task = text(
        "--task",
        help="What run of this task takes and returns, by its annotations; its code is not imported.",
        metavar="NAME",
        complete="task",
    )
    pythonpath = texts(
        "--pythonpath", help="A directory to look for the project's modules in.", kind="path", metavar="DIR"
    )


def schema(terminal: Terminal, options: SchemaOptions) -> int:
    """Print the schema."""
    import json

    if options.task is None and options.paths:
        raise UsageError(f"unexpected argument: {options.paths[0]}", "only --task reads files of a project")
    if options.task is not None:
        if options.tests:
            raise UsageError("--tests and --task are schemas of different things", "give one of them")
        made = _of_task(terminal, options)
    elif options.tests:
        from selinon_core.config.schema.case_json_schema import case_json_schema

        made = case_json_schema()
    else:
        from selinon_core.config.schema.json_schema import json_schema

        made = json_schema()
    terminal.data(json.dumps(made, indent=2) + "\n")
    return EXIT_OK


def _of_task(terminal: Terminal, options: SchemaOptions) -> dict[str, object]:
    from selinon_cli.project import known_name, load_project
    from selinon_core.lint.code.index import CodeIndex
    from selinon_core.lint.code.task_schemas import schemas_of_task

    name = options.task or ""
    _, project = load_project(terminal, options.paths, options.pythonpath)
    known_name("task", name, project.model.task_by_name)
    function = project.model.task_by_name[name].function
    found = None
    if function is not None:
        found = schemas_of_task(CodeIndex(project.pythonpath), function.module.name, function.name.name)
    if found is None:
        raise UsageError(
            f'the text of "run" of task "{name}" is not found',
            "selinon lint says what is wrong with its module and class; --pythonpath says where modules are",
        )
    return {"arguments": found.arguments, "result": found.result}


COMMAND = Command(
    "schema",
    "Print the JSON Schema of the YAML files, for editors, or of what a task takes and returns.",
    schema,
    options=SchemaOptions,
    examples=(
        "selinon schema > selinon.schema.json",
        "selinon schema --tests > selinon.flowtest.json",
        "selinon schema --task Charge",
    ),
    epilog="In a YAML file: # yaml-language-server: $schema=selinon.schema.json",
)
