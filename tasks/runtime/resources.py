"""Where the committed data lies: beside the packages, in a checkout and in an installed wheel alike."""

from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"
