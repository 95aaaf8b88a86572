"""``storyreasoning rate``."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.judge import Item

DESCRIPTION = """\
Rate stories in the browser, by the rubric that a judge of 'evaluate' has.

Stories come in an order of their own for each rater, without anything that says who wrote them. Every rating is kept at once:
Ctrl-C ends it, the same command goes on. Several people rate into one file under different --rater names.

The server answers this machine only."""

EPILOG = """\
examples:
  storyreasoning rate answers/ --references films/dataset --out ratings.parquet --rater ann
  storyreasoning evaluate answers/ --references films/dataset --report scores --judge NAME --endpoint URL \\
    --ratings ratings.parquet"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser(
        "rate",
        help="rate stories in the browser",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("outputs", metavar="OUTPUTS", type=Path, help="the answers, as for 'evaluate'")
    parser.add_argument("--references", metavar="DATASET", type=Path, required=True, help="the dataset with the images")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, help="ratings, a .parquet; added to")
    parser.add_argument("--rater", default="rater", metavar="NAME", help="who rates (default: %(default)s)")
    parser.add_argument("--split", default="test", help="of the dataset (default: %(default)s)")
    parser.add_argument("--stories", type=int, default=30, metavar="N", help="spread over it, 0: all (default: 30)")
    parser.add_argument("--port", type=int, metavar="N", help="port to listen on (default: 8430, or a free one)")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve the page until interrupted."""
    from cli.view import bind_somewhere, open_browser
    from schemas.errors import ConfigError
    from tasks.judge import read_items, read_rubric
    from tasks.rate import keep_ratings, order_for, rated_by
    from viewer.rating.server import RatingState, make_app
    from viewer.serve import LOOPBACK, bind, run_app

    if args.out.suffix != ".parquet":
        raise ConfigError(f"--out {args.out} must end with .parquet")
    if args.stories < 0:
        raise ConfigError(f"--stories {args.stories}: give 0 or more")
    if args.port is not None and not 0 <= args.port <= 65535:
        raise ConfigError(f"--port {args.port}: give a number from 0 to 65535")
    if not args.rater.strip() or len(args.rater) > 80:
        raise ConfigError("--rater: give a name of at most 80 characters")
    before = rated_by(args.out, args.rater)
    items: list[Item] = order_for(
        args.rater, list(read_items(args.outputs, args.references, args.split, {}, args.stories))
    )

    def keep(ratings: Mapping[str, Mapping[str, Any]]) -> None:
        keep_ratings(args.out, args.rater, ratings)

    listening = bind_somewhere(bind, args.port, 8430)
    try:
        port = listening.getsockname()[1]
        address = f"http://{LOOPBACK}:{port}/"
        state = RatingState(items, read_rubric(), dict(before), keep, port)

        def ready() -> None:
            done = sum(item.story_id in state.ratings for item in items)
            print(f"{len(items)} stories, {done} rated by {args.rater}: {address} (Ctrl-C ends it)", flush=True)
            if not args.no_browser:
                open_browser(address)

        run_app(make_app(state), listening, ready)
    except KeyboardInterrupt:
        pass  # asked for: every rating is kept
    finally:
        listening.close()
    return 0
