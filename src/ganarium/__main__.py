"""`python -m ganarium` is `ganarium`."""

from ganarium.cli.app import app


def main() -> None:
    """Run the command line."""
    app(prog_name="ganarium")


if __name__ == "__main__":
    main()
