"""Subsets the page's fonts from node_modules into static/fonts (needs fonttools and brotli)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
FONTS = ROOT / "static" / "fonts"

# What French and English text, figures and units need; anything else falls back to the system's fonts.
TEXT = [
    *range(0x20, 0x7F),
    *range(0xA0, 0x180),  # Latin-1 and Latin Extended-A: œ, Œ, Ÿ and Europe's names
    *range(0x2000, 0x2070),  # spaces (U+202F among them), dashes, quotes, ellipsis, primes
    *range(0x2070, 0x20A0),  # superior and inferior figures
    *range(0x2190, 0x219A),  # arrows
    *(0x1D49, 0x2B3, 0x2E2, 0x20AC, 0x2116, 0x2122, 0x2212, 0x221A, 0x221E, 0x2248, 0x2260, 0x2264, 0x2265, 0x2713),
    *(0x3A9, 0x3B1, 0x3B2, 0x3BC, 0x3C0, 0x394, 0x25CF, 0xFFFD),
]
FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl", "calt", "liga", "tnum", "ss03"]

# Where a font lacks a character of French typography, the drawing of its nearest kin is right.
KIN = {0x2011: 0x2D, 0x202F: 0x2009, 0x2009: 0x20}


@dataclass(frozen=True)
class Cut:
    """One font file: where it comes from, which axes are limited, which characters stay."""

    source: str
    target: str
    axes: dict[str, float | tuple[float, float]]
    unicodes: list[int] = field(default_factory=lambda: TEXT)


# The package's version is part of the name, so that a browser may keep the file for a year.
CUTS = [
    Cut("inter-ui/variable/InterVariable.woff2", "inter-{version}.woff2", {"wght": (400, 700), "opsz": (14, 24)}),
    Cut(
        "inter-ui/variable/InterVariable-Italic.woff2", "inter-italic-{version}.woff2", {"wght": (400, 700), "opsz": 17}
    ),
    Cut(
        "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
        "jetbrains-mono-{version}.woff2",
        {"wght": (400, 700)},
    ),
    Cut(
        "@fontsource-variable/newsreader/files/newsreader-latin-opsz-normal.woff2",
        "newsreader-{version}.woff2",
        {"wght": 400, "opsz": (18, 40)},
    ),
    Cut(
        "@fontsource-variable/newsreader/files/newsreader-latin-opsz-italic.woff2",
        "newsreader-figures-{version}.woff2",
        {"wght": 400, "opsz": (14, 72)},
        [*range(0x30, 0x3A)],
    ),
]

# Kept whole: a formula may need any of its signs, and only pages with formulas fetch it.
WHOLE = Cut(
    "@fontsource/noto-sans-math/files/noto-sans-math-latin-400-normal.woff2", "noto-sans-math-{version}.woff2", {}, []
)


def cut(plan: Cut) -> Path:
    """Write one subset and return its path."""
    font = TTFont(PACKAGES / plan.source, recalcTimestamp=False)
    for table in font["cmap"].tables:
        if table.isUnicode():
            for missing, kin in KIN.items():
                if missing not in table.cmap and kin in table.cmap:
                    table.cmap[missing] = table.cmap[kin]
    options = Options(layout_features=FEATURES, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14], hinting=False)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=plan.unicodes)
    subsetter.subset(font)
    font = instantiateVariableFont(font, plan.axes)
    font.flavor = "woff2"
    target = FONTS / plan.target.format(version=version_of(package_of(plan)))
    font.save(target)
    return target


def package_of(plan: Cut) -> Path:
    """The package that a font comes from; a scoped name has two parts."""
    return PACKAGES.joinpath(*plan.source.split("/")[: 2 if plan.source.startswith("@") else 1])


def version_of(package: Path) -> str:
    """The version in a package's own manifest."""
    return json.loads((package / "package.json").read_text())["version"]


def licences() -> str:
    """The licence of each package, for the file that goes with the fonts."""
    packages = dict.fromkeys(package_of(plan) for plan in [*CUTS, WHOLE])
    texts = [next(package.glob("LICENSE*")).read_text(encoding="utf-8").strip() for package in packages]
    return ("\n\n" + "=" * 72 + "\n\n").join(texts) + "\n"


def main() -> None:
    """Rebuild every file and print its weight."""
    FONTS.mkdir(parents=True, exist_ok=True)
    for old in FONTS.glob("*.woff2"):
        old.unlink()
    for plan in CUTS:
        target = cut(plan)
        print(f"{target.stat().st_size / 1000:7.1f} kB  {target.name}")
    whole = FONTS / WHOLE.target.format(version=version_of(package_of(WHOLE)))
    whole.write_bytes((PACKAGES / WHOLE.source).read_bytes())
    print(f"{whole.stat().st_size / 1000:7.1f} kB  {whole.name}")
    (FONTS / "LICENSES.txt").write_text(licences(), encoding="utf-8")


if __name__ == "__main__":
    main()
