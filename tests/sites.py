"""Packages of somebody else's, as an installer leaves them."""

from collections.abc import Mapping
from pathlib import Path


def install(site: Path, name: str, source: str, points: Mapping[str, Mapping[str, str]]) -> None:
    """Put a package of one module in a folder of installed packages.

    Args:
        site: the folder.
        name: of the module, and of the package, whose version is 1.0.
        source: of the module.
        points: what it offers, by the entry-point group: the classes by their names.
    """
    information = site / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = []
    for group, classes in points.items():
        lines += [f"[{group}]", *(f"{key} = {name}:{value}" for key, value in classes.items())]
    (information / "entry_points.txt").write_text("\n".join(lines) + "\n")
    (site / f"{name}.py").write_text(source)
