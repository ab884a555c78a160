"""A real Chromium without a screen, by Selenium and the driver of the same package, and axe-core to judge a page by.

Nothing here fetches a browser: where there is none, `missing` says what to install. axe-core comes from npm, pinned,
once, into cache/.
"""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from made_up_run import ROOT
from selenium import webdriver

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
AXE = "4.14.1"
AXE_SHA512 = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
SERIOUS = ("serious", "critical")
WIDTHS = (375, 768, 1440)  # CSS pixels: a phone, a tablet, a screen


def missing():
    """What lacks to open a page; None where nothing does."""
    lacks = [name for name, found in (("Chromium", _chromium()), ("chromedriver", _driver())) if not found]
    hint = "apt-get install chromium chromium-driver"
    return f"no {' and no '.join(lacks)} on PATH ({hint}): no page was opened in a browser" if lacks else None


def _chromium():
    return next(filter(None, map(shutil.which, NAMES)), None)


def _driver():
    return shutil.which("chromedriver")


def axe():
    """The text of axe-core. Raises OSError or SubprocessError where it is not in the cache and npm cannot bring it."""
    place = ROOT / "cache" / "axe-core" / f"axe-core-{AXE}.tgz"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", f"axe-core@{AXE}"]
        subprocess.run(command, cwd=place.parent, check=True, capture_output=True, timeout=120)
    found = base64.b64encode(hashlib.sha512(place.read_bytes()).digest()).decode()
    assert found == AXE_SHA512, f"{place} is not axe-core {AXE} as published; remove it"
    with tarfile.open(place) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


@contextlib.contextmanager
def opened():
    """One Chromium, ended when done."""
    chromium = Browser()
    try:
        yield chromium
    finally:
        chromium.quit()


class Browser:
    """One Chromium. Whatever a page asks of a network is noted and never answered."""

    def __init__(self):
        options = webdriver.ChromeOptions()
        options.binary_location = _chromium()
        for argument in ("--headless=new", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND"):
            options.add_argument(argument)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.add_argument("--no-sandbox")  # Chromium has no sandbox for root
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(_driver()))

    def quit(self):
        """End it."""
        self.driver.quit()

    def open(self, page: Path):
        """Open a file. Returns what its console said and the addresses, beside its own, that it asked for."""
        self._heard()
        address = page.absolute().as_uri()
        self.driver.get(address)
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        return said, [asked for asked in self._heard() if asked != address]

    def _heard(self):
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [address for address in asked if not address.startswith("data:")]

    def ask(self, script: str):
        """What a script returns on the page."""
        return self.driver.execute_script(script)

    def unfold(self, everything: bool = True):
        """Open, or close, all that folds."""
        self.ask(f"document.querySelectorAll('details').forEach(one => one.open = {str(everything).lower()})")

    def resize(self, width: int, height: int = 900):
        """Make the window this wide, in CSS pixels, even where a real one could not be."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def wider(self):
        """By how many pixels the page is wider than its window."""
        return self.ask("const page = document.scrollingElement; return page.scrollWidth - page.clientWidth")

    def screenshot(self, place: Path, height: int = 12_000):
        """Save what the page shows from its top, down to a height."""
        box = self.ask("const page = document.scrollingElement; return [page.clientWidth, page.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": box[0], "height": min(box[1], height), "scale": 1}
        asked = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        made = self.driver.execute_cdp_cmd("Page.captureScreenshot", asked)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(base64.b64decode(made["data"]))

    def print(self, place: Path):
        """Print the page to a PDF, on A4."""
        asked = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True}
        made = self.driver.execute_cdp_cmd("Page.printToPDF", asked)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(base64.b64decode(made["data"]))

    def violations(self, script: str):
        """What axe-core (its text) finds serious or critical on the page: rule, how many times, and one place."""
        self.driver.execute_script(script)
        found = self.driver.execute_async_script("axe.run(document).then(arguments[arguments.length - 1])")
        return [
            (rule["id"], len(rule["nodes"]), rule["nodes"][0]["html"][:300])
            for rule in found["violations"]
            if rule["impact"] in SERIOUS
        ]

    def faults(self, page: Path, shots: Path, script: str | None = None) -> list[str]:
        """All that is wrong with a page, in words, its folded parts open, at each width; a picture of each is kept.

        shots: the folder of the pictures. script: axe-core's text, where there is one.
        """
        said, asked = self.open(page)
        found = [*said, *(f"asks for {address}" for address in asked)]
        for width in WIDTHS:
            self.resize(width)
            self.unfold(False)
            self.screenshot(shots / f"{width}.png")
            self.unfold()
            found += [f"{self.wider()} pixels too wide at {width}"] if self.wider() > 0 else []
            found += [f"at {width}: {fault}" for fault in self.violations(script)] if script else []
        return found
