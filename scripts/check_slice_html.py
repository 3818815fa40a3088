#!/usr/bin/env python3
"""Checks the page of a slice in a browser: that it says of some regions what was written beside its packed numbers,
that toggles, zoom, drag and keys work, that nothing is fetched, and that no script fails.

    python3 scripts/check_slice_html.py page.html [--screenshot picture.png] [--size 1200x800]

Needs Chromium (chromium or google-chrome on the path, or $CHROMIUM) and nothing else. Prints a line for each check; exits
with 1 if one fails, with 0 if all pass, and with 0 and a line that says so where there is no Chromium.
"""
import argparse
import base64
import contextlib
import json
import math
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars", "--remote-debugging-pipe"]
PATIENCE = 120
# The numbers of a map in the page are fitted to outputs at corners that are rounded to 32 bits.
MAP_TOLERANCE = 2e-3


class Browser:
    """A page in Chromium, spoken to over two pipes: JSON, each message ended by a zero byte."""

    def __init__(self, program, folder, size):
        to_read, self.to_write = os.pipe()
        self.from_read, from_write = os.pipe()

        # Chromium reads from 3 and writes to 4. High copies first, so that neither is closed by the other.
        def wire():
            high = [os.dup2(fd, at, inheritable=True) for fd, at in ((to_read, 103), (from_write, 104))]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program, *QUIET, f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}", "about:blank"],
            preexec_fn=wire, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.buffer = bytearray()
        self.number = 0
        self.events = []
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to_write, data):]
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def receive(self):
        until = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            if not select.select([self.from_read], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            part = os.read(self.from_read, 1 << 20)
            if not part:
                raise RuntimeError("the browser has gone")
            self.buffer += part
        message, _, rest = self.buffer.partition(b"\0")
        self.buffer = bytearray(rest)
        return json.loads(message)

    def run(self, script):
        """The value of a script in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def mouse(self, kind, at, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], **more)

    def click(self, at):
        self.mouse("mouseMoved", at)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, at, button="left", clickCount=1)

    def key(self, key, code):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def close(self):
        with contextlib.suppress(Exception):
            self.session = None
            self.call("Browser.close")
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.to_write)
        os.close(self.from_read)


class Page:
    """The page of a slice, and what was found out about it."""

    def __init__(self, browser):
        self.browser = browser
        self.passed = self.failed = 0

    def check(self, is_right, what):
        self.passed, self.failed = self.passed + bool(is_right), self.failed + (not is_right)
        print(f"{'ok' if is_right else 'FAILED'}: {what}")

    def settle(self):
        """Waits until the picture is drawn; gives back the seconds."""
        start = time.monotonic()
        while self.browser.run("document.documentElement?.dataset.state") != "ready":
            if time.monotonic() - start > PATIENCE:
                raise TimeoutError("the page does not finish drawing")
            time.sleep(0.01)
        return time.monotonic() - start

    def place(self, at):
        """Where a point of the plane is on the screen."""
        script = ("(() => { const box = document.getElementById('picture').getBoundingClientRect();"
                  f"const [x, y] = masoSlice.place({json.dumps(at)}); return [box.left + x, box.top + y]; }})()")
        return self.browser.run(script)

    def point(self, place):
        """The point of the plane at a place of the screen."""
        return self.browser.run("(() => { const box = document.getElementById('picture').getBoundingClientRect();"
                                f"return masoSlice.point([{place[0]} - box.left, {place[1]} - box.top]); }})()")

    def hover(self, at):
        """What the page says of the region at a point of the plane."""
        self.browser.mouse("mouseMoved", self.place(at))
        return self.browser.run("""(() => {
          const details = document.getElementById("details");
          return {
            region: Number(details.dataset.region),
            class: details.dataset.class === "" ? null : Number(details.dataset.class),
            area: Number(details.dataset.area),
            code: [...details.querySelectorAll("code")].map((one) => one.textContent),
            maps: [...details.querySelectorAll("tr[data-map]")].map((one) => JSON.parse(one.dataset.map)),
            differences: Number(details.querySelector("[data-differences]")?.dataset.differences ?? 0),
            summary: document.getElementById("summary").textContent,
          };
        })()""")

    def picture(self):
        """A number that stands for all pixels."""
        self.settle()
        return self.browser.run("""(() => {
          const canvas = document.getElementById("picture");
          const bytes = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          let hash = 0;
          for (let i = 0; i < bytes.length; i++) hash = (Math.imul(hash, 31) + bytes[i]) | 0;
          return hash;
        })()""")


def is_near(found, expected, size, tolerance):
    return abs(found - expected) <= tolerance * max(abs(expected), size, 1e-12)


def is_right_map(found, expected, bounds):
    """Whether a map is the expected one, to the precision that a page has."""
    reach = max(abs(x) for axis in bounds for x in axis)
    size = max(abs(expected[0]) * reach, abs(expected[1]) * reach, abs(expected[2]), 1e-6)
    return all(is_near(f * r, e * r, size, MAP_TOLERANCE) for f, e, r in zip(found, expected, (reach, reach, 1)))


def check_hover(page, about):
    for number, probe in enumerate(about["probes"]):
        found = page.hover(probe["at"])
        what = f"probe {number}, region {probe['region']}"
        page.check(found["region"] == probe["region"], f"{what}: hover finds it ({found['summary']})")
        if found["region"] != probe["region"]:
            continue
        page.check(found["class"] == probe["class"], f"{what}: its class")
        page.check(is_near(found["area"], probe["area"], 0, 1e-5), f"{what}: its area")
        page.check(found["code"] == probe["code"], f"{what}: its code")
        if probe["maps"] and about["outputs"]:
            rows = [row for row in found["maps"] if row[0] < len(probe["maps"])]
            right = [is_right_map(row[1:], probe["maps"][row[0]], about["bounds"]) for row in rows]
            page.check(found["maps"] and all(right), f"{what}: its map, {len(right)} outputs")


def unit_pieces(code, layers):
    """The pieces of all units from a code in hexadecimal."""
    for text, layer in zip(code, layers):
        bits = int.from_bytes(bytes.fromhex(text), "little")
        for unit in range(layer["units"]):
            yield bits >> unit * layer["unitBits"] & (1 << layer["unitBits"]) - 1


def check_marking(page, about):
    first, second = about["probes"][0], about["probes"][-1]
    if first["region"] == second["region"]:
        return
    page.browser.click(page.place(first["at"]))
    pairs = zip(unit_pieces(first["code"], about["layers"]), unit_pieces(second["code"], about["layers"]))
    expected = sum(before != after for before, after in pairs)
    found = page.hover(second["at"])["differences"]
    page.check(found == expected, f"a marked region differs in {expected} units from another")
    page.browser.click(page.place(first["at"]))


def check_toggles(page, about):
    boxes = [f"layer{number}" for number in range(min(4, len(about["layers"])))]
    boxes += ["boundary", "points"]
    whole = page.picture()
    for box in boxes:
        if page.browser.run(f"document.getElementById('{box}').parentElement.hidden"):
            continue
        page.browser.run(f"document.getElementById('{box}').click()")
        without = page.picture()
        page.browser.run(f"document.getElementById('{box}').click()")
        again = page.picture()
        page.check(without != whole and again == whole, f"{box} goes and comes back")
    page.browser.run("document.getElementById('theme').click()")
    other = page.picture()
    page.browser.run("document.getElementById('theme').click()")
    page.check(other != whole and page.picture() == whole, "the theme changes and comes back")
    pictures = set()
    for number in range(len(about["paints"])):
        page.browser.run("(() => { const box = document.getElementById('colour');"
                         f"box.value = {number}; box.dispatchEvent(new Event('change')); }})()")
        pictures.add(page.picture())
    page.check(len(pictures) == len(about["paints"]), f"{len(pictures)} ways to colour, each its own picture")
    first = next(i for i, one in enumerate(about["paints"]) if one["first"])
    page.browser.run("(() => { const box = document.getElementById('colour');"
                     f"box.value = {first}; box.dispatchEvent(new Event('change')); }})()")
    page.check(page.picture() == whole, "the first colouring comes back")


def check_moves(page, about):
    probe = about["probes"][len(about["probes"]) // 2]
    # A wheel turns over a whole pixel.
    pixel = [round(x) for x in page.place(probe["at"])]
    point = page.point(pixel)
    before = page.place(probe["at"])
    for _ in range(3):
        page.browser.mouse("mouseWheel", pixel, deltaX=0, deltaY=-200)
    page.settle()
    page.check(max(abs(x - y) for x, y in zip(pixel, page.place(point))) < 0.5,
               "the wheel keeps what is under the pointer there")
    after = page.place(probe["at"])
    page.check(math.dist(after, pixel) > 4 * math.dist(before, pixel), "the wheel makes it larger")
    page.check(page.hover(probe["at"])["region"] == probe["region"], "the region is found at the larger scale")
    page.browser.mouse("mousePressed", before, button="left", clickCount=1)
    page.browser.mouse("mouseMoved", [before[0] + 30, before[1] + 10], button="left", buttons=1)
    page.browser.mouse("mouseMoved", [before[0] + 60, before[1] + 20], button="left", buttons=1)
    page.browser.mouse("mouseReleased", [before[0] + 60, before[1] + 20], button="left", clickCount=1)
    moved = page.place(probe["at"])
    page.check(abs(moved[0] - after[0] - 60) < 1 and abs(moved[1] - after[1] - 20) < 1, "dragging moves the picture")
    page.browser.run("document.getElementById('picture').focus()")
    page.browser.key("0", 48)
    page.settle()
    home = page.place(probe["at"])
    page.check(max(abs(x - y) for x, y in zip(before, home)) < 0.5, "0 shows the whole window again")
    page.browser.key("ArrowRight", 39)
    found = page.browser.run("document.getElementById('summary').textContent")
    page.check(found.startswith("Region"), f"an arrow key reads the region at the cross ({found})")
    page.browser.key("Escape", 27)


def check_quiet(page):
    """No failures, and nothing fetched but the page."""
    page.browser.run("1")
    events = page.browser.events
    failures = [e["params"]["exceptionDetails"] for e in events if e["method"] == "Runtime.exceptionThrown"]
    failures += [e["params"]["entry"] for e in events
                 if e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] == "error"]
    page.check(not failures, f"no script fails {failures[:2] or ''}")
    fetched = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    fetched = [url for url in fetched if not url.startswith(("data:", "blob:", "about:"))]
    page.check(len(fetched) == 1, f"nothing is fetched but the page {fetched[1:3] or ''}")


def look(page, path, screenshot):
    browser = page.browser
    for domain in ("Page", "Runtime", "Log", "Network"):
        browser.call(f"{domain}.enable")
    start = time.monotonic()
    browser.call("Page.navigate", url=path.resolve().as_uri())
    page.settle()
    about = browser.run("masoSlice.about")
    unpacked = browser.run("Number(document.documentElement.dataset.unpacked)") / 1000
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, {about['cells']:,} cells; "
          f"unpacked in {unpacked:.2f} s, drawn {time.monotonic() - start:.2f} s after it was opened")
    if not about["probes"]:
        page.check(browser.run("!!document.getElementById('picture')"), "an empty slice has a page")
    else:
        check_hover(page, about)
        check_marking(page, about)
        check_toggles(page, about)
        check_moves(page, about)
    check_quiet(page)
    if screenshot:
        if about["probes"]:
            page.hover(about["probes"][0]["at"])
        page.settle()
        data = browser.call("Page.captureScreenshot", format="png")["data"]
        screenshot.write_bytes(base64.b64decode(data))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--screenshot", type=pathlib.Path, help="write a picture of the page when all is done")
    parser.add_argument("--size", default="1280x900", help="width and height of the browser's window")
    options = parser.parse_args()
    programs = [os.environ.get("CHROMIUM"), *BROWSERS]
    program = next((found for name in programs if name and (found := shutil.which(name))), None)
    if program is None:
        print("skipped: no chromium")
        return 0
    size = [int(side) for side in options.size.split("x")]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(program, folder, size)
        try:
            page = Page(browser)
            look(page, options.page, options.screenshot)
        finally:
            browser.close()
    print(f"{page.passed} passed, {page.failed} failed")
    return 1 if page.failed or not page.passed else 0


if __name__ == "__main__":
    sys.exit(main())
