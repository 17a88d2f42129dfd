"""Apply BRAND_COLORS, BRAND_LOGO and WELCOME_TEXT to all pages, and serve the web manifest."""

import colorsys
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flask import Flask, Response, current_app, jsonify, url_for
from flask_babel import get_locale

from app.security import public

# The default colours, as in static/css/brand.css and in the order of BRAND_COLORS. A test compares them with that
# file, and the ones below with tokens.css.
USUAL = ("#12324f", "#0c2439", "#b5400c", "#d3e3f0", "#eaf3fa", "#ff9159")
NAMES = ("navy", "navy-deep", "signal", "foam", "foam-bright", "signal-bright")
CANVAS = ("#faf8f4", "#0b1724")
ON_BRAND = ("#ffffff", "#0a1c2c")
# Backgrounds on which the brand's colours are shown, for (light, dark): the page, and the nearest other one.
GROUNDS = (("#faf8f4", "#f3f0e9"), ("#0b1724", "#16283a"))
# Share of the colour in its soft variant, for (light, dark): visible, and text on it stays readable.
SOFT = (0.11, 0.18)
# Least contrast for text and for graphics by WCAG 2.2, level AA.
TEXT, GRAPHIC = 4.5, 3.0
HEX = re.compile(r"#[0-9a-f]{6}\b")
# The default icon as PNG, for systems that do not take SVG; made by tools/app_icons.py.
MADE = (("icon-192", "192x192", "any"), ("icon-512", "512x512", "any"), ("icon-maskable-512", "512x512", "maskable"))
# Hues (0 to 1) in sea.svg that belong to its light; all other hues are water.
WARM = (0.0, 0.2)


class BrandError(ValueError):
    """BRAND_COLORS has a pair with too little contrast; the message names both colours and their contrast."""


@dataclass(frozen=True, slots=True)
class Brand:
    """The brand as templates read it; the file names are sources for `asset()`, "" for the default."""

    colours: str
    logo: str
    icon: str
    welcome: str
    canvas: tuple[str, str] = CANVAS


def init_app(app: Flask, static: Path) -> dict[str, bytes]:
    """Give templates `brand`, serve `/manifest`, and return the brand's files (contents by path) for `assets.init_app`.

    `static`: the folder of the default drawings. Raises BrandError for colours that are too close.
    """
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
    """Serve the web manifest, which browsers need to install the site as an app."""
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
    """Return the manifest's icons: the company's own drawing for all sizes, else the default icon's SVG and PNGs."""
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
    """Return the CSS that sets the colour tokens to `colours`."""
    lines = [f"--brand-{name}:{colour}" for name, colour in zip(NAMES, colours, strict=True)]
    for token, light, dark in (("brand", colours[0], colours[3]), ("signal", colours[2], colours[5])):
        soft = _mixed(ON_BRAND[0], light, SOFT[0]), _mixed(CANVAS[1], dark, SOFT[1])
        lines.append(f"--{token}-soft:light-dark({soft[0]},{soft[1]})")
    return f":root{{{';'.join(lines)}}}\n".encode()


def redrawn(drawing: Path, colours: tuple[str, ...]) -> bytes:
    """Return one of our SVG drawings in `colours`.

    The default brand colours are replaced one by one; other colours keep their lightness and take the new hue.
    """
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
    """Raise BrandError for the first pair of colours with too little contrast."""
    for scheme, (button, hover, accent) in enumerate((colours[:3], colours[3:])):
        for ground in (button, hover):
            _apart(ON_BRAND[scheme], ground, TEXT)
        for ground in GROUNDS[scheme]:
            _apart(button, ground, GRAPHIC)
            _apart(accent, ground, TEXT)
    # The log-in page's panel and the icon show colours of the dark scheme on the darkest of the light one.
    for shown, needed in ((colours[3], TEXT), (colours[4], TEXT), (colours[5], GRAPHIC)):
        _apart(shown, colours[1], needed)


def _apart(one: str, other: str, needed: float) -> None:
    """Raise BrandError if the contrast of two colours is below `needed`."""
    lights = sorted((_luminance(one), _luminance(other)))
    contrast = (lights[1] + 0.05) / (lights[0] + 0.05)
    if contrast < needed:
        raise BrandError(
            f"BRAND_COLORS: {one} and {other} have a contrast of {contrast:.1f}, at least {needed} is needed"
        )


def _luminance(colour: str) -> float:
    """Return the relative luminance of WCAG, 0 to 1."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mixed(ground: str, colour: str, share: float) -> str:
    return _hex(tuple(a + (b - a) * share for a, b in zip(_rgb(ground), _rgb(colour), strict=True)))


def _rgb(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))


def _hex(parts: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
