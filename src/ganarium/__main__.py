"""`python -m ganarium` is `ganarium`."""

from ganarium.cli.app import app


def main() -> None:
    """The command line."""
    app(prog_name="ganarium")


if __name__ == "__main__":
    main()
