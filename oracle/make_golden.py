"""Makes the golden cases in test/golden from real tf-keras, or checks that those there are what tf-keras computes."""

import argparse
import importlib
import sys
from pathlib import Path

# Whole models, which are files of their own. Each group is a module in model_groups.
MODEL_GROUPS = (
    "models",
    "attention",
    "graphs",
    "recurrent",
    "shapes",
    "applications",
    "tutorials",
    "augmentation",
    "activations",
    "preprocessing",
    "operations",
    "resumed",
    "convolutions",
    "weighted",
    "synchronized",
)
GOLDEN = Path(__file__).resolve().parent.parent / "test" / "golden"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=GOLDEN, metavar="FOLDER", help="where the golden files lie (default: test/golden)"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if anything there differs")
    parser.add_argument("--only", nargs="+", metavar="GROUP", help="make or check these groups only (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="what the random numbers are drawn from (default: 1)")
    return parser.parse_args()


def makers(seed: int) -> dict:
    """For every file, what makes its content."""
    # Imported late: TensorFlow takes seconds to load, and --help needs none of it.
    import hdf5_files
    import layer_cases
    import layer_runner
    import refusals
    import runs
    import training
    import weight_files
    from reference import SOURCE, generator

    def layer_group(group, cases):
        return [layer_runner.compute(c, layer_runner.draw(c, generator(seed, group, c.name))) for c in cases()]

    def file(key, make, *args):
        return lambda: {"source": SOURCE, key: make(*args)}

    return {
        **{group: file("cases", layer_group, group, cases) for group, cases in layer_cases.GROUPS.items()},
        "errors": file("cases", refusals.refused),
        "accepted": file("cases", refusals.accepted),
        "runs": file("runs", runs.runs, seed),
        "training": file("cases", training.trainings),
        "weights": file("cases", weight_files.cases, seed),
        "hdf5": file("cases", hdf5_files.cases, seed),
    }


def make_models(group: str, arguments: argparse.Namespace) -> bool:
    """Returns whether any differs."""
    import model_files

    folder = arguments.out / "models" / group
    models = importlib.import_module(f"model_groups.{group}").MODELS
    if not arguments.check:
        print(f"{group}: {model_files.write(folder, group, models, arguments.seed)} written", flush=True)
        return False
    found = model_files.check(folder, models)
    print(f"{group}: {'differs' if found else 'agree'}", flush=True)
    for difference in found:
        print(f"  {difference}", file=sys.stderr)
    return bool(found)


def main() -> int:
    arguments = parse_arguments()
    files = makers(arguments.seed)
    unknown = set(arguments.only or ()) - files.keys() - {*MODEL_GROUPS}
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join([*files, *MODEL_GROUPS])}", file=sys.stderr)
        return 2

    import packing

    failed = False
    groups = arguments.only or [*files, *MODEL_GROUPS]
    for group in (name for name in groups if name in MODEL_GROUPS):
        failed |= make_models(group, arguments)
    for name in (name for name in groups if name not in MODEL_GROUPS):
        path = arguments.out / f"{name}.json.gz"
        content = files[name]()
        count = len(content.get("cases") or content["runs"])
        if not arguments.check:
            arguments.out.mkdir(parents=True, exist_ok=True)
            print(f"{name}: {count} written, {packing.write(path, content)} bytes", flush=True)
            continue
        found = list(packing.differences(packing.read(path), content)) if path.exists() else ["the file is missing"]
        print(f"{name}: {'differs' if found else f'{count} agree'}", flush=True)
        for difference in found:
            print(f"  {difference}", file=sys.stderr)
        failed |= bool(found)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
