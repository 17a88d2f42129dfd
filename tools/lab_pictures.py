"""Draw the pictures of the Labo's tasks, in Chromium, from tools/lab_drawings: `python -m tools.lab_pictures`."""

from pathlib import Path

from playwright.sync_api import sync_playwright

DRAWINGS = Path(__file__).resolve().with_name("lab_drawings")
PICTURES = DRAWINGS.parent.parent / "app" / "lab" / "library" / "pictures"
CHROMIUM = "/usr/bin/chromium"
SIZE, QUALITY = (720, 460), 70


def main() -> None:
    """Write a JPEG file for each drawing."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        for drawing in sorted(DRAWINGS.glob("*.html")):
            page.goto(drawing.as_uri())
            page.screenshot(path=PICTURES / f"{drawing.stem}.jpg", type="jpeg", quality=QUALITY)
        browser.close()


if __name__ == "__main__":
    main()
