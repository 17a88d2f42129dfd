"""The brand by configuration: colours, logo and welcome for every page, and the manifest of the installable app."""

import colorsys
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, current_app, jsonify, url_for
from flask_babel import get_locale

from app.security import public

# Of static/css/brand.css, in the setting's order; a test compares them, and those below with tokens.css.
USUAL = ("#12324f", "#0c2439", "#b5400c", "#d3e3f0", "#eaf3fa", "#ff9159")
NAMES = ("navy", "navy-deep", "signal", "foam", "foam-bright", "signal-bright")
CANVAS = ("#faf8f4", "#0b1724")
ON_BRAND = ("#ffffff", "#0a1c2c")
# Where the brand's colours lie or stand, in each scheme: the page, and the ground nearest to them.
GROUNDS = (("#faf8f4", "#f3f0e9"), ("#0b1724", "#16283a"))
# Shares of the colour in its soft variant: enough to be seen, little enough for text to be read on it.
SOFT = (0.11, 0.18)
# AA of WCAG 2.2.
TEXT, GRAPHIC = 4.5, 3.0
HEX = re.compile(r"#[0-9a-f]{6}\b")
# The program's own icon for systems that take no drawings, made by tools/app_icons.py.
MADE = (
    ("icon-192", "192x192", "any"),
    ("icon-512", "512x512", "any"),
    ("icon-maskable-512", "512x512", "maskable"),
)
# Hues of the drawn sea that belong to its light; the others are the water's.
WARM = (0.0, 0.2)


class BrandError(ValueError):
    """Colours that would leave something unreadable; the message says which, and how far off they are."""


@dataclass(frozen=True, slots=True)
class Brand:
    """What pages ask of the brand; file names are for `asset()`, empty where the program's own holds."""

    colours: str
    logo: str
    icon: str
    welcome: str
    canvas: tuple[str, str] = CANVAS


def init_app(app: Flask, static: Path) -> dict[str, bytes]:
    """Give the templates `brand`, serve the manifest; the files to be served beside or instead of the built ones."""
    colours, logo = app.config["BRAND_COLORS"], app.config["BRAND_LOGO"]
    _check(colours or USUAL)
    files: dict[str, bytes] = {}
    if colours:
        files["brand/colours.css"] = style(colours)
        for name in ("brand/icon.svg", "brand/sea.svg"):
            files[name] = redrawn(static / name, colours)
    picture = f"brand/logo{Path(logo).suffix.lower()}" if logo else ""
    if logo:
        files[picture] = Path(logo).read_bytes()
    app.jinja_env.globals["brand"] = Brand(
        "brand/colours.css" if colours else "", picture, picture or "brand/icon.svg", app.config["WELCOME_TEXT"]
    )
    app.add_url_rule("/manifest", "manifest", manifest)
    return files


@public
def manifest() -> Response:
    """The web manifest: with it browsers that can install pages as an app know its name, icons and colours."""
    brand: Brand = current_app.jinja_env.globals["brand"]  # type: ignore[assignment]
    name = current_app.config["PRODUCT_NAME"]
    answer = jsonify(
        {
            "id": "/",
            "name": name,
            "short_name": name,
            "lang": str(get_locale()),
            "start_url": url_for("chat.home"),
            "scope": "/",
            "display": "standalone",
            "background_color": brand.canvas[0],
            "theme_color": brand.canvas[0],
            "icons": _icons(brand),
        }
    )
    answer.mimetype = "application/manifest+json"
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _icons(brand: Brand) -> list[dict[str, str]]:
    """The made pictures for the program's own icon; a company's own drawing stands for all sizes."""
    asset: Callable[[str], str] = current_app.jinja_env.globals["asset"]  # type: ignore[assignment]
    kind = "image/png" if brand.icon.endswith(".png") else "image/svg+xml"
    drawn = [{"src": asset(brand.icon), "sizes": "any", "type": kind, "purpose": "any"}]
    if brand.logo or brand.colours:
        return drawn
    return drawn + [
        {"src": asset(f"brand/{name}.png"), "sizes": sizes, "type": "image/png", "purpose": purpose}
        for name, sizes, purpose in MADE
    ]


def style(colours: tuple[str, ...]) -> bytes:
    """The sheet that gives the tokens their values."""
    lines = [f"--brand-{name}:{colour}" for name, colour in zip(NAMES, colours, strict=True)]
    for token, light, dark in (("brand", colours[0], colours[3]), ("signal", colours[2], colours[5])):
        soft = _mixed(ON_BRAND[0], light, SOFT[0]), _mixed(CANVAS[1], dark, SOFT[1])
        lines.append(f"--{token}-soft:light-dark({soft[0]},{soft[1]})")
    return f":root{{{';'.join(lines)}}}\n".encode()


def redrawn(drawing: Path, colours: tuple[str, ...]) -> bytes:
    """One of our drawings in these colours: the brand's own are exchanged, what lies between them takes their hue."""
    exchanged = dict(zip(USUAL, colours, strict=True))

    def recolour(found: re.Match[str]) -> str:
        colour = found[0]
        if colour in exchanged:
            return exchanged[colour]
        hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(colour))
        model = colours[5] if WARM[0] <= hue <= WARM[1] else colours[1]
        wanted, _, vividness = colorsys.rgb_to_hls(*_rgb(model))
        return _hex(colorsys.hls_to_rgb(wanted, lightness, min(saturation, vividness)))

    return HEX.sub(recolour, drawing.read_text()).encode()


def _check(colours: tuple[str, ...]) -> None:
    """Raises BrandError for the first pair that cannot be told apart."""
    for scheme, (button, hover, accent) in enumerate((colours[:3], colours[3:])):
        for ground in (button, hover):
            _apart(ON_BRAND[scheme], ground, TEXT)
        for ground in GROUNDS[scheme]:
            _apart(button, ground, GRAPHIC)
            _apart(accent, ground, TEXT)
    # The log-in page's panel and the icon: what is for dark, on the deepest of the light scheme's.
    for shown, needed in ((colours[3], TEXT), (colours[4], TEXT), (colours[5], GRAPHIC)):
        _apart(shown, colours[1], needed)


def _apart(one: str, other: str, needed: float) -> None:
    lights = sorted((_luminance(one), _luminance(other)))
    contrast = (lights[1] + 0.05) / (lights[0] + 0.05)
    if contrast < needed:
        raise BrandError(
            f"BRAND_COLORS: {one} and {other} have a contrast of {contrast:.1f}, at least {needed} is needed"
        )


def _luminance(colour: str) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mixed(ground: str, colour: str, share: float) -> str:
    return _hex(tuple(a + (b - a) * share for a, b in zip(_rgb(ground), _rgb(colour), strict=True)))


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))


def _hex(parts: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
