"""The shape of the tree: who may import whom, what loads when, how long a file is, and what no file may hold."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "tasks", "flows", "viewer", "cli")
LONGEST_FILE = 400
LONGEST_FLOW = 80

INSIDES = ("sources", "identity", "composer", "drafting", "exporting", "evaluation", "training", "benchmark")
BELOW_STAGES = {f"tasks.{name}" for name in ("runtime", "models", *INSIDES)}
TELLING = ("tasks.dataset_card", "tasks.publishing", "tasks.report")
MAY_IMPORT: Mapping[str, set[str]] = {
    "schemas": set(),
    "tasks.runtime": {"schemas"},
    "tasks.models": {"schemas"},
    "tasks.sources": {"schemas", "tasks.runtime"},
    "tasks.identity": {"schemas", "tasks.runtime"},
    "tasks.composer": {"schemas"},
    "tasks.drafting": {"schemas", "tasks.runtime"},
    "tasks.exporting": {"schemas", "tasks.runtime", "tasks.models"},
    "tasks.training": {"schemas", "tasks.runtime"},
    "tasks.benchmark": {"schemas", "tasks.runtime", "tasks.models"},
    "tasks.evaluation": {"schemas", "tasks.runtime", "tasks.identity"},
    **{key: {"schemas", "tasks.runtime", "tasks.stages", *TELLING} for key in TELLING},
    "tasks.scorecard": {"schemas", "tasks.runtime", "tasks.evaluation", "tasks.report"},
    "tasks.stages": {"schemas", *BELOW_STAGES, *TELLING, "tasks.scorecard"},
    "flows": {"schemas", "tasks.runtime", "tasks.models", "tasks.stages"},
    "viewer": {"schemas", "tasks.runtime", "tasks.models", "tasks.report"},
    "cli": {"schemas", "flows", "viewer", "tasks.stages", *BELOW_STAGES, *TELLING},
}
"""What each part may import besides itself; ``tasks.stages`` are the files right in ``tasks/``."""

MAY_READ_BY: Mapping[str, set[str]] = {
    "tasks.dataset_card": {"tasks.assembly", "tasks.evidence", "tasks.rows"},
    "tasks.publishing": {"tasks.assembly", "tasks.check", "tasks.export"},
    "tasks.report": {"tasks.assembly", "tasks.evidence", "tasks.rows"},
}
"""Of the files right in ``tasks/``, those by which the parts that come after all stages may look at what these left."""

HEAVY = (
    "torch",
    "torchvision",
    "transformers",
    "datasets",
    "onnxruntime",
    "faiss",
    "cv2",
    "scipy",
    "insightface",
    "ultralytics",
    "open_clip",
)
ARRAYS = ("pyarrow", "numpy", "pandas", "PIL")


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the packages, by its dotted name."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in paths}


def walk_loaded(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a module is imported: all but the bodies of functions and what is for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from walk_loaded(child)


def imported_names(path: Path, walk: Callable[[ast.AST], Iterable[ast.AST]] = ast.walk) -> Iterator[str]:
    """Dotted names that a file imports anywhere, inside functions too, and those it gives to ``import_module``."""
    for node in walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = re.fullmatch(r"((?:schemas|tasks|flows|viewer|cli)(?:\.\w+)+)(?::\w+)?", node.value)
            if match and match[1] in modules():
                yield match[1]


@cache
def edges(walk: Callable[[ast.AST], Iterable[ast.AST]] = ast.walk) -> Mapping[str, frozenset[str]]:
    """The modules of ours that each module imports."""
    found = {}
    for name, path in modules().items():
        named = set()
        for target in imported_names(path, walk):
            while target and target not in modules():
                target = target.rpartition(".")[0]
            if target:
                named.add(target)
        found[name] = frozenset(named - {name})
    return found


def part_of(module: str) -> str:
    """The part of the tree that a module belongs to."""
    first, *rest = module.split(".")
    if first != "tasks":
        return first
    return f"tasks.{rest[0]}" if len(rest) > 1 else "tasks.stages"


def test_the_tree_is_where_this_test_looks_for_it() -> None:
    assert len(modules()) > 60
    assert {part_of(module) for module in modules()} == set(MAY_IMPORT)
    assert edges()["tasks.ingest"] >= {"schemas.arrow", "tasks.runtime.stage", "tasks.sources.shared"}
    assert edges()["flows.build_dataset"] >= {"tasks.conclude", "tasks.plan"}, "names of functions count as imports"


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_go_one_way(part: str) -> None:
    allowed = MAY_IMPORT[part] | {part}
    wrong = [
        f"{module} imports {target}"
        for module, targets in edges().items()
        if part_of(module) == part
        for target in sorted(targets)
        if part_of(target) not in allowed
    ]
    assert wrong == []


def test_nothing_but_the_command_line_imports_the_command_line() -> None:
    assert [
        m for m, targets in edges().items() if part_of(m) != "cli" and any(part_of(t) == "cli" for t in targets)
    ] == []


@pytest.mark.parametrize("part", TELLING)
def test_what_comes_after_the_stages_looks_at_them_through_few_doors(part: str) -> None:
    wrong = [
        f"{module} imports {target}"
        for module, targets in edges().items()
        if part_of(module) == part
        for target in targets
        if part_of(target) == "tasks.stages" and target not in MAY_READ_BY[part]
    ]
    assert wrong == []


def test_no_module_imports_itself_by_a_detour() -> None:
    state: dict[str, str] = {}
    circles: list[str] = []

    def visit(module: str, path: tuple[str, ...]) -> None:
        if state.get(module) == "done":
            return
        if module in path:
            circles.append(" -> ".join((*path[path.index(module) :], module)))
            return
        for target in sorted(edges(walk_loaded)[module]):
            visit(target, (*path, module))
        state[module] = "done"

    for module in modules():
        visit(module, ())
    assert circles == []


def loaded_by(code: str) -> set[str]:
    """Names of all modules that are loaded after ``code`` ran in a fresh process."""
    script = f"import json, sys\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_flow_loads_nothing_heavy() -> None:
    loaded = loaded_by("import flows.build_dataset")
    assert "prefect" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert loaded.isdisjoint(ARRAYS)


def test_the_stages_load_no_inference_library() -> None:
    stages = [name for name in modules() if part_of(name) == "tasks.stages"]
    loaded = loaded_by("\n".join(f"import {name}" for name in stages))
    assert loaded.isdisjoint(HEAVY)
    assert "prefect" not in loaded


def test_help_is_made_of_the_standard_library() -> None:
    loaded = loaded_by("import cli.main; cli.main.make_parser()")
    assert loaded.isdisjoint({"prefect", "pydantic", "rich", "huggingface_hub", *HEAVY, *ARRAYS})


@pytest.mark.parametrize("package", ["schemas", "tasks/composer", "tasks/identity", "tasks/models/protocols.py"])
def test_the_core_knows_no_engine(package: str) -> None:
    place = ROOT / package
    for path in [place] if place.is_file() else place.rglob("*.py"):
        assert not [name for name in imported_names(path) if name.split(".")[0] in ("prefect", *HEAVY[:4])], path


def test_the_flow_reads_like_its_diagram() -> None:
    lines = (ROOT / "flows" / "build_dataset.py").read_text().splitlines()
    assert len(lines) <= LONGEST_FLOW
    tree = ast.parse("\n".join(lines))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While)], "no loop over images"


def test_no_file_is_too_long() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in modules().items()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


@pytest.mark.parametrize("name", ["util", "utils", "helper", "helpers", "manager", "common", "misc"])
def test_no_module_is_named_for_nothing(name: str) -> None:
    assert [module for module in modules() if name in module.replace(".", "_").split("_")] == []


def test_every_module_says_what_it_is() -> None:
    assert [name for name, path in modules().items() if not ast.get_docstring(ast.parse(path.read_text()))] == []


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Every text file that is under version control."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    if done.returncode:
        pytest.skip("not a checkout")
    for name in filter(None, done.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            try:
                yield name, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


PLACES = re.compile(r"(?<![\w./<-])/(?:home|root|work|Users|mnt/\w+|tmp/\w+)/[\w.-]+")
REGISTRIES = re.compile(
    r"\b(?:files\.)?(?:py[p]i\.org|pythonh[o]sted\.org|registry\.npm[j]s\.org|proxy\.gol[a]ng\.org|index\.cr[a]tes\.io)\b"
    r"|\b[\w.-]*(?:artifactory|nexus|pypi-mirror|package-proxy)[\w-]*\.[\w.-]+"
    r"|(?:--index-url|--extra-index-url|--registry)[ =]\S+"
)


def test_no_file_names_a_place_on_one_machine() -> None:
    found = {
        f"{name}: {match[0]}"
        for name, text in tracked_texts()
        if name != "tests/test_architecture.py"
        for match in PLACES.finditer(text)
    }
    assert found == set()


def test_no_file_names_a_package_registry() -> None:
    found = {
        f"{name}: {match[0]}"
        for name, text in tracked_texts()
        if name != "tests/test_architecture.py"
        for match in REGISTRIES.finditer(text)
    }
    assert found == set()


def test_these_rules_can_find_something() -> None:
    assert PLACES.search("see /home/alice/frames")
    assert not PLACES.search("https://example.org/home/alice")
    assert REGISTRIES.search("pip install --index-url http://x/simple")
    assert REGISTRIES.search("https://registry.npm" + "js.org/x")
