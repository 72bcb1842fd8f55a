"""The command line: one file a command, registered here."""

import signal
import sys

import typer

from pyzoo.cli import bench, conform, lean, run, sample, show, trust
from pyzoo.errors import PyzooError

app = typer.Typer(
    help="A mirror between mathematics in Lean 4 and running neural networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
conform.register(app)
run.register(app)
sample.register(app)
show.register(app)
lean.register(app)
trust.register(app)
bench.register(app)


@app.callback()
def root() -> None:
    """A mirror between mathematics in Lean 4 and running neural networks."""


def main() -> None:
    """Run the command line. Exit codes: 0 it holds, 1 it doesn't, 2 bad input, 3 something is missing."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a Lean that was started ends too
    try:
        app()
    except PyzooError as error:
        print(f"pyzoo: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("pyzoo: interrupted", file=sys.stderr)
        sys.exit(130)
