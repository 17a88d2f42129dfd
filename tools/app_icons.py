"""Draws the installable app's icons, static/brand/icon-*.png, from icon.svg there, with the test tools' Chromium."""

import re
from pathlib import Path

from playwright.sync_api import sync_playwright

BRAND = Path(__file__).resolve().parent.parent / "static/brand"
# Systems cut a maskable icon to their own shape: its corners are filled, what matters lies in the middle four fifths.
SAFE = 0.8
ICONS = (("icon-192", 192, False), ("icon-512", 512, False), ("icon-maskable-512", 512, True))


def drawn(*, maskable: bool) -> str:
    """The icon; for masks without rounded corners, the drawing smaller on its ground."""
    svg = (BRAND / "icon.svg").read_text()
    if maskable:
        inner = f'<g transform="translate({24 * (1 - SAFE)} {24 * (1 - SAFE)}) scale({SAFE})">'
        svg = re.sub(r' rx="\d+"', "", svg).replace("/><g ", f"/>{inner}<g ", 1).replace("</svg>", "</g></svg>")
    return svg.replace("<svg ", '<svg width="100%" height="100%" style="position:fixed;inset:0" ', 1)


def main() -> None:
    """Write the three files."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--headless", "--no-sandbox"])
        for name, size, maskable in ICONS:
            page = browser.new_page(viewport={"width": size, "height": size})
            page.set_content(f"<body>{drawn(maskable=maskable)}</body>")
            page.screenshot(path=BRAND / f"{name}.png", omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
