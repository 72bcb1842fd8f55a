"""`pyzoo trust`: what is proved, what is tested, and what is taken on trust."""

import sys

import typer

app = typer.Typer(help="What is proved, what is tested, and what is taken on trust.", no_args_is_help=True)


@app.command()
def check() -> None:
    """Check every theorem, test and component that the trust file names. Exit code 1: something is not so."""
    from pyzoo.bridge.lean.build import inventory
    from pyzoo.trust import check as checks

    document = checks.load()
    theorems = inventory()
    problems = checks.check(document, theorems)
    for problem in problems:
        print(f"{problem.where}: {problem.what}")
    counts = ", ".join(f"{len(document[section])} {section}" for section in checks.FIELDS)
    print(f"{counts}; {len(theorems)} theorems in the library; {len(problems)} problems")
    sys.exit(1 if problems else 0)


@app.command()
def report() -> None:
    """Print the trust file as text: each claim, how it is held up, and what would break it."""
    from pyzoo.trust.check import load

    document = load()
    for entry in document["proved"]:
        print(f"proved    {entry['claim']}\n          {entry['theorem']}")
    for entry in document["tested"]:
        print(f"tested    {entry['claim']}\n          by {entry['method']}; broken by: {entry['breaks']}")
    for entry in document["external"]:
        print(f"external  {entry['component']}: {entry['assumed']}\n          checked: {entry['checked']}; "
              f"broken by: {entry['breaks']}")


def register(root: typer.Typer) -> None:
    root.add_typer(app, name="trust")
