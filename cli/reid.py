"""``storyreasoning reid``: how good identities are, and what similarities are worth."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.places import workspace_place
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from schemas.config import BuildConfig
    from tasks.identity.calibration import Calibration
    from tasks.identity.evaluate import Evaluation, Step
    from tasks.identity.signals import Signals
    from tasks.observations import ShardViews

DESCRIPTION = """\
How good the identities of a workspace are (evaluate), and fitting what similarities are worth (calibrate)."""

EVALUATE = """\
Score who is who in the films of a workspace.

With --labels, against a JSON list of {"frame": NAME, "people": [{"person": NAME, "face_box": [x1, y1, x2, y2]}, ...]} ("box"
for the whole body), over the labelled people that were detected: B-cubed, pairwise F1, adjusted Rand index, IDF1, AssA,
entities too many or too few, detections of one frame that share an entity, and how it all moves with the threshold. These
scores stay in the workspace, and the next build tells them in the dataset card, unless the identities are others by then.
Without labels: how sure the links are, and whether they stay when 5 % of the detections are taken away."""

CALIBRATE = """\
Fit what similarities are worth and write a calibration file, which must not be there yet.

--portraits FOLDER, with a folder of portraits for each person, fits faces: on every second person, tested on the others.
--films WORKSPACE fits what crops of one scene are worth, on the people whom faces settle; it needs no labels.
--labels FILE with --films fits everything that has enough labelled pairs, crops across scenes and priors too, on half of
the people, and tests on the others. A name stands for one person in all films.
What is not fitted is taken from --start. Nobody on whom you will report results may be among the people fitted on.
A build uses the file when its configuration says: [reidentify] calibration = "NAME.json"."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = commands.add_parser("reid", help="measure and calibrate who is who", description=DESCRIPTION)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    raw = argparse.RawDescriptionHelpFormatter
    measure = actions.add_parser("evaluate", help="score identities", description=EVALUATE, formatter_class=raw)
    measure.add_argument(
        "workspace", type=workspace_place, metavar="WORKSPACE", help="a workspace with a finished build"
    )
    measure.add_argument("--labels", type=Path, metavar="FILE", help="who stands where in some frames")
    measure.add_argument("--json", action="store_true", help="as JSON")
    measure.set_defaults(run=run_evaluate)
    fit = actions.add_parser("calibrate", help="fit thresholds and weights", description=CALIBRATE, formatter_class=raw)
    fit.add_argument("name", metavar="NAME", help="name and version of the calibration, such as films-v1")
    fit.add_argument("--out", type=Path, metavar="FILE", help="default: NAME.json")
    fit.add_argument("--start", default="embedded-v2", metavar="NAME", help="calibration to start from (%(default)s)")
    fit.add_argument("--preset", default="embedded", metavar="NAME", help="whose models (default: %(default)s)")
    fit.add_argument("--portraits", type=Path, metavar="FOLDER", help="a folder of portraits for each person")
    fit.add_argument("--films", type=Path, metavar="WORKSPACE", help="a workspace with a finished build")
    fit.add_argument("--labels", type=Path, metavar="FILE", help="labels of these films")
    fit.set_defaults(run=run_calibrate)


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def films_of(workspace: Path) -> "tuple[BuildConfig, dict[str, list[ShardViews]]]":
    """The configuration of a workspace's last build, and its observations film by film."""
    from tasks.observations import load_observations
    from tasks.runtime.workspace import open_workspace

    config, shards = load_observations(open_workspace(workspace))
    films: dict[str, list[ShardViews]] = {}
    for shard in shards:
        films.setdefault(shard.film, []).append(shard)
    return config, films


def run_evaluate(args: argparse.Namespace) -> int:
    """Score each film of a workspace."""
    from tasks.identity.calibration import load_calibration
    from tasks.identity.evaluate import evaluate, identify_film, sweep
    from tasks.identity.labels import parse_labels
    from tasks.identity.signals import signals
    from tasks.identity_quality import film_scores, keep_scores
    from tasks.observations import join_labelled

    labels = parse_labels(read_text(args.labels)) if args.labels else {}
    build, films = films_of(args.workspace)
    config = build.reidentify
    calibration = load_calibration(config.calibration)
    told: list[dict[str, Any]] = []
    for film, parts in films.items():
        shards = [part.observations for part in parts]
        entry: dict[str, Any] = {"film": film, "signals": signals(shards, config, calibration)}
        views = join_labelled(parts, labels)
        if views.found:
            entry["evaluation"] = evaluate(views, identify_film(shards, config, calibration))
            entry["sweep"] = sweep(views, shards, config, calibration)
        told.append(entry)
    if args.labels and not any("evaluation" in entry for entry in told):
        raise ConfigError(f"no labelled person of {args.labels} was found in {args.workspace}: are these its frames?")
    scored = {
        entry["film"]: (films[entry["film"]], film_scores(entry["film"], entry["evaluation"], entry["sweep"]))
        for entry in told
        if "evaluation" in entry
    }
    kept = keep_scores(args.workspace, scored) if scored else None
    if args.json:
        plain = [
            {
                "film": entry["film"],
                "signals": asdict(entry["signals"]),
                "evaluation": asdict(entry["evaluation"]) if "evaluation" in entry else None,
                "sweep": [asdict(step) for step in entry.get("sweep", ())],
            }
            for entry in told
        ]
        print(json.dumps({"calibration": calibration.name, "films": plain}, ensure_ascii=False, indent=1))
    else:
        print("\n\n".join(describe(**entry) for entry in told))
        if kept:
            print(f"\nkept in {kept}; the next build tells it in the dataset card")
    return 0


def describe(
    film: str, signals: "Signals", evaluation: "Evaluation | None" = None, sweep: "tuple[Step, ...]" = ()
) -> str:
    """The scores of one film as text."""
    doubtful = ", ".join(
        f"{share:.1%} below {band:g}" for share, band in zip(signals.doubtful, (0.5, 0.8, 0.95), strict=True)
    )
    margins = ", ".join(
        f"{100 * share:.0f} % below {margin:.1f}"
        for share, margin in zip((0.05, 0.25, 0.5), signals.margins, strict=True)
    )
    lines = [
        f"{film}: {signals.views} views of {signals.entities} people",
        f"  confidence    mean {signals.mean_confidence:.3f}; {doubtful}",
        f"  margin        {margins} (log-odds of the choice against all others)",
        f"  stability     {signals.stability:.4f} (B-cubed F1 with 5 % of the detections taken away)",
    ]
    if evaluation is not None:
        tracks = evaluation.tracks
        lines += [
            f"  labels        {evaluation.found} of {evaluation.labelled} labelled people found",
            f"  B-cubed       precision {evaluation.bcubed.precision:.4f}  recall {evaluation.bcubed.recall:.4f}"
            f"  F1 {evaluation.bcubed.f1:.4f}",
            f"  pairwise      precision {evaluation.pairwise.precision:.4f}  recall {evaluation.pairwise.recall:.4f}"
            f"  F1 {evaluation.pairwise.f1:.4f}",
            f"  ARI {evaluation.adjusted_rand:.4f}   IDF1 {tracks.idf1:.4f}   AssA {tracks.ass_a:.4f}",
            f"  entities      {evaluation.entities} for {evaluation.people} people ({evaluation.entity_error:+d})",
            f"  violations    {evaluation.violations} (detections of one frame that share an entity)",
            "  threshold   precision  recall  F1      entities",
        ]
        lines += [
            f"  {step.threshold:+9.1f}   {step.bcubed.precision:.4f}     {step.bcubed.recall:.4f}  {step.bcubed.f1:.4f}"
            f"  {step.entities}"
            for step in sweep
        ]
    return "\n".join(lines)


def run_calibrate(args: argparse.Namespace) -> int:
    """Fit and write a calibration."""
    from tasks.identity.calibration import check_name, load_calibration
    from tasks.runtime.atomic import write_json

    check_name(args.name)
    out = args.out or Path(f"{args.name}.json")
    if out.exists():
        raise ConfigError(
            f"{out} is there already: a calibration that was used stays as it is, so give another version"
        )
    if args.labels is not None and args.films is None:
        raise ConfigError("--labels needs the --films that they are of")
    if args.portraits is None and args.films is None:
        raise ConfigError("nothing to fit on: give --portraits, --films, or both")
    calibration = load_calibration(args.start)
    calibration = calibration.model_copy(update={"name": args.name, "provenance": {**calibration.provenance}})
    if args.portraits is not None:
        calibration = fit_portraits(calibration, args.portraits, args.preset)
    if args.films is not None:
        calibration = fit_films(calibration, args.films, args.labels)
    write_json(out, calibration.model_dump(mode="json"))
    print(json.dumps(calibration.provenance, indent=2, ensure_ascii=False))
    print(f'written to {out}; a build takes it with: [reidentify] calibration = "{out}"')
    return 0


def fit_portraits(calibration: "Calibration", folder: Path, preset: str) -> "Calibration":
    """Fit the curve of faces on every second person of a folder, and test it on the others."""
    from flows.presets import load_config
    from tasks.identity.calibrate import fit_faces
    from tasks.models.registry import create_face_detector, create_face_embedder
    from tasks.portraits import HEIGHTS, list_people, portrait_film

    config = load_config(preset, None)
    params = config.faces
    people = list_people(folder)
    models = create_face_detector(params.detector), create_face_embedder(params.embedder)
    fit, test = (portrait_film(folder, people[half::2], *models, params, seed=half) for half in (0, 1))
    full, other = (
        portrait_film(folder, people[half::2], *models, params, heights=HEIGHTS[:1], seed=2 + half) for half in (0, 1)
    )
    fitted, quality = fit_faces(calibration, fit, test, full, other, config.reidentify)
    told = {"people": len(people), "fitted_on": people[0::2], "tested_on": people[1::2], **quality}
    provenance = {**calibration.provenance, "faces": told}
    return fitted.model_copy(update={"provenance": provenance, "face_model": params.embedder})


def fit_films(calibration: "Calibration", workspace: Path, labels: Path | None) -> "Calibration":
    """Fit the curves of looks on the films of a workspace."""
    from tasks.identity.calibrate import fit_labelled, fit_looks
    from tasks.identity.calibration import KindCalibration
    from tasks.identity.labels import parse_labels
    from tasks.identity.pair_samples import LabelledFilm
    from tasks.observations import join_labelled

    config, films = films_of(workspace)
    told: dict[str, Any] = {"films": len(films)}
    start = calibration.kinds["char"]
    if labels is None:
        observed = [part.observations for parts in films.values() for part in parts]
        fitted = calibration.model_copy(update={"kinds": {**calibration.kinds, "char": fit_looks(observed, start)}})
        told |= {"settled_by": "faces", "tested_on": []}
    else:
        known = parse_labels(read_text(labels))
        views = [join_labelled(parts, known) for parts in films.values()]
        labelled = [
            LabelledFilm(
                [one for one, name in zip(view.observations, view.truth, strict=True) if name is not None],
                [name for name in view.truth if name is not None],
            )
            for view in views
            if view.found
        ]
        if not labelled:
            raise ConfigError(f"no labelled person of {labels} was found in {workspace}: are these its frames?")
        fitted, quality = fit_labelled(calibration, labelled, config.reidentify)
        told |= {"settled_by": "labels", **quality}
    told["fitted"] = [
        name for name in KindCalibration.model_fields if getattr(fitted.kinds["char"], name) != getattr(start, name)
    ]
    if not told["fitted"]:
        raise ConfigError(f"{workspace} holds too few people whom {told['settled_by']} settle: nothing could be fitted")
    provenance = {**calibration.provenance, "looks": told}
    return fitted.model_copy(update={"provenance": provenance, "appearance_model": config.appearance.model})
