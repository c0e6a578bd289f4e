"""`ganarium methods`."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def methods(as_json: AsJson = False) -> None:
    """List the methods: name, description, paper.

    ganarium methods
    ganarium methods --json
    """
    from ganarium.methods.table import table

    rows = [(name, *method.headline) for name, method in table().items()]
    if as_json:
        import json

        typer.echo(
            json.dumps([dict(zip(("name", "what", "paper"), row, strict=True)) for row in rows], indent=2)
        )
        return
    from ganarium.cli.tables import print_table

    print_table(("method", "description", "paper"), rows)
