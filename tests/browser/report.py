# SPDX-License-Identifier: MIT
"""Opens reports in Chromium, without a window and without a network: report.py CHROMIUM WRITE_REPORTS FOLDER.

Leaves screenshots in FOLDER. Speaks the DevTools protocol over pipes: JSON, each message followed by a zero byte.
"""
import base64
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

chromium, write_reports, folder = sys.argv[1:]
failures = 0


def check(what, good, fact=""):
    global failures
    print(("good: " if good else "WRONG: ") + what + (f" ({fact})" if fact != "" else ""), flush=True)
    failures += not good


class Browser:
    def __init__(self, home):
        to_child, self.write_end = os.pipe()
        self.read_end, from_child = os.pipe()
        inherited = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (to_child, from_child)]  # away from 3 and 4
        os.close(to_child), os.close(from_child)

        def take_pipes():
            os.dup2(inherited[0], 3), os.dup2(inherited[1], 4)

        self.process = subprocess.Popen(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             f"--user-data-dir={home}"], env=dict(os.environ, HOME=home), pass_fds=(3, 4), preexec_fn=take_pipes,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in inherited:
            os.close(end)
        self.buffer, self.count, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.call(part + ".enable")

    def call(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def receive(self):
        while b"\0" not in self.buffer:
            part = os.read(self.read_end, 1 << 20)
            if not part:
                raise RuntimeError("the browser has ended")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, path):
        self.events.clear()
        self.call("Page.navigate", url="file://" + path)
        self.wait("document.readyState === 'complete'")

    def value(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression):
        for _ in range(600):
            if self.value(expression):
                return
            time.sleep(0.05)
        raise RuntimeError("waited in vain for " + expression)

    def key(self, name):
        text = {"text": name} if len(name) == 1 else {}
        code = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}.get(name, 0)
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code, **text)

    def drag(self, x0, x1, y):
        for kind, x in (("mousePressed", x0), ("mouseMoved", (x0 + x1) / 2), ("mouseMoved", x1), ("mouseReleased", x1)):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def size(self, width, height, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def colours(self, scheme):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, name):
        height = self.value("document.documentElement.scrollHeight")
        width = self.value("innerWidth")
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True,
                            clip={"x": 0, "y": 0, "width": width, "height": height, "scale": 1})["data"]
        with open(os.path.join(folder, name), "wb") as file:
            file.write(base64.b64decode(picture))

    def complaints(self):
        """What the console has, and requests for anything but the page and pictures in it."""
        self.value("0")
        found = []
        for event in self.events:
            method, facts = event.get("method"), event.get("params", {})
            if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                found.append(json.dumps(facts)[:300])
            if method == "Network.requestWillBeSent" and not facts["request"]["url"].startswith(("file:", "data:")):
                found.append("request: " + facts["request"]["url"])
        return found


def contrast(first, second):
    """Of two colours "rgb(r, g, b)", as WCAG 2 counts it."""
    def light(colour):
        parts = [int(part) / 255 for part in colour[4:-1].split(",")]
        red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    high, low = sorted((light(first), light(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def check_decoder(browser, name):
    with open(os.path.join(folder, name + ".json")) as file:
        reference = json.load(file)
    greatest = 0
    for latent, pixels in zip(reference["latents"], reference["pixels"]):
        decoded = browser.value(f"Array.from(decode({json.dumps(latent)}))")
        if len(decoded) != len(pixels):
            return check(f"{name}: as many pixels as the library's", False, f"{len(decoded)} and {len(pixels)}")
        greatest = max(greatest, max(abs(a - b) for a, b in zip(decoded, pixels)))
    span = browser.value("model.high - model.low")
    half = browser.value("model.half")
    limit = 1e-3 if half else 1e-5
    check(f"{name}: pixels are the library's within {limit} of the range, weights in float{16 if half else 32}",
          greatest / span <= limit, greatest / span)
    check(f"{name}: pixels are not all the same", max(pixels) - min(pixels) > 0.01, max(pixels) - min(pixels))
    check(f"{name}: the page says so", browser.value("place('check').textContent").startswith("This page decodes"))
    return None


def main():
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    subprocess.run([write_reports, folder], check=True)
    with tempfile.TemporaryDirectory() as home:
        browser = Browser(home)
        try:
            run(browser)
        finally:
            browser.process.terminate()
            browser.process.wait()


def run(browser):
    browser.size(1200, 900)
    browser.colours("light")

    # A page that complains is found out.
    broken = os.path.join(folder, "broken.html")
    with open(broken, "w") as file:
        file.write("<script>console.error('x'); null.y</script><img src='http://localhost:1/'>")
    browser.open(broken)
    check("a broken page has complaints", len(browser.complaints()) >= 3, len(browser.complaints()))

    for name in ("vae", "gan"):
        browser.open(os.path.join(folder, name + ".html"))
        check_decoder(browser, name)
        browser.wait("work.size === 0")
        for scheme in ("light", "dark"):
            browser.colours(scheme)
            for selector in ("body", "#status .faint", "#losses .faint", "button"):
                ink = browser.value(f"getComputedStyle(document.querySelector('{selector}')).color")
                paper = browser.value("getComputedStyle(document.querySelector('section')).backgroundColor")
                check(f"{name}: {selector} can be read, {scheme}", contrast(ink, paper) >= 4.5, contrast(ink, paper))
            browser.screenshot(f"{name}_{scheme}.png")
        browser.colours("light")
        check(f"{name}: no complaints, no requests", not browser.complaints(), " ".join(browser.complaints()))

    browser.open(os.path.join(folder, "vae.html"))
    check("texts are shown as they are",
          browser.value("document.title") == "A VAE </title><script>alert(1)</script>" and
          browser.value("document.querySelector('#warnings li').textContent").startswith("Step 7: A <b>warning</b> of"))
    titles = browser.value("[...document.querySelectorAll('#charts h3')].map(title => title.textContent)")
    check("each loss and metric has a chart, the learning rate and the gradient norm too",
          titles[-4:] == ["of epochs", "of steps", "learning rate", "gradient norm"] and len(titles) == 7, titles)
    curves = browser.value("charts.slice(3, 5).map(({curves: [one]}) => [one.title, one.of.at[1], one.of.mean[1]])")
    check("metrics are drawn where they were measured", curves == [["after each epoch", 8, 2], ["each step", 2000, 2]],
          curves)
    cells = browser.value("[...document.querySelectorAll('#last tr')].slice(-2).map(row => row.textContent)")
    check("the table has their last values", cells == ["of epochsnone750none", "of steps3nonenone"], cells)
    check("points of losses are said to be of several steps",
          "Each point of a loss stands for 2 steps" in browser.value("place('joined').textContent"),
          browser.value("place('joined').textContent"))
    rates = browser.value("charts[5].curves.map(curve => [curve.title, curve.of.at.length, curve.of.mean[0]])")
    check("the learning rate is that of the training", len(rates) == 1 and rates[0][1:] == [300, 0.001], rates)
    points = browser.value("data.losses[0].steps.at.length")
    check("a long curve is thinned out", 1000 <= points <= 2000, points)
    check("losses are drawn", browser.value("charts.slice(0, 3).every(c => c.svg.querySelectorAll('path').length >= 3)"))
    check("no coordinate is NaN", not browser.value("place('charts').innerHTML.includes('NaN')"))

    # The keyboard, on a chart.
    browser.value("charts[0].svg.focus()")
    whole = browser.value("allSteps()")
    browser.key("+")
    zoomed = browser.value("view")
    check("+ zooms", zoomed and abs((zoomed[1] - zoomed[0]) / (whole[1] - whole[0]) - 0.5) < 1e-9, zoomed)
    browser.key("ArrowRight")
    moved = browser.value("view")
    check("an arrow moves", moved and moved[0] > zoomed[0], moved)
    browser.key("0")
    check("0 shows all", browser.value("view") is None)
    box = browser.value("(b => [b.left, b.top])(charts[0].svg.getBoundingClientRect())")
    browser.drag(box[0] + 150, box[0] + 250, box[1] + 100)
    dragged = browser.value("view")
    check("dragging zooms", dragged and whole[0] < dragged[0] < dragged[1] < whole[1], dragged)
    for axis in ("log-y", "log-x"):
        browser.value(f"place('{axis}').click()")
    check("logarithmic axes draw", not browser.value("place('charts').innerHTML.includes('NaN')"))
    for axis in ("log-y", "log-x"):
        browser.value(f"place('{axis}').click()")
    browser.value("show(null); charts[0].svg.focus()")
    for _ in range(80):  # + is held
        browser.key("+")
    narrow = browser.value("view")
    check("zoom ends at two steps", narrow and abs(narrow[1] - narrow[0] - 2) < 1e-6, narrow)
    check("so narrow a chart is drawn", not browser.value("place('charts').innerHTML.includes('NaN')") and
          browser.value("charts[0].svg.querySelectorAll('text').length") >= 4)
    browser.screenshot("vae_narrow.png")
    browser.value("show([100.1, 100.2])")
    narrow = browser.value("view")
    check("dragging over less shows two steps around it", narrow and abs(narrow[0] - 99.15) < 1e-6 and
          abs(narrow[1] - 101.15) < 1e-6, narrow)
    browser.value("show(null)")
    # Whatever the limits are, there are few ticks, and they differ.
    browser.value("""var shown = (low, high, log) => {
      const texts = ticks(low, high, log).map(value => tickText(value, digitsOf(low, high)));
      return [texts.length, new Set(texts).size];
    }""")
    for low, high in ((0, 1), (1234567.75, 1234567.95), (-3, 5), (1e6, 2e6), (1e15, 1e15 + 1), (1e300, 1.01e300),
                      (1e-12, 2e-12), (123456, 123457), (-1e-3, 1e-3)):
        count, different = browser.value(f"shown({low}, {high}, false)")
        check(f"from {low} to {high} ticks are few and differ", 3 <= count <= 7 and count == different,
              f"{count}, {different}")
    count, different = browser.value("shown(2 ** 53 + 2, 2 ** 53 + 4, false)")
    check("ticks end where numbers have no neighbours", count <= 7, count)
    count, different = browser.value("shown(1e-300, 1e300, true)")
    check("logarithmic ticks over 600 decades are few", 3 <= count <= 9, count)
    browser.screenshot("vae_logarithmic.png")

    # The keyboard, on pictures and the plane.
    browser.value("document.querySelector('#pictures input').focus()")
    before = browser.value("document.querySelector('#pictures img').src")
    browser.key("ArrowLeft")
    check("an arrow goes to an earlier picture", browser.value("document.querySelector('#pictures img').src") != before)
    browser.value("place('plane').focus()")
    pixels = "place('image').toDataURL()"
    before = browser.value(pixels)
    for _ in range(5):
        browser.key("ArrowRight")
    check("an arrow moves in the plane", browser.value(pixels) != before)
    check("its slider follows", abs(browser.value("+document.querySelector('#two-sliders input').value") - 0.5) < 1e-9,
          browser.value("document.querySelector('#two-sliders input').value"))
    browser.key("0")
    check("0 goes to the middle", browser.value(pixels) == before)
    reached = []
    browser.value("document.activeElement.blur()")
    for _ in range(60):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
        browser.call("Input.dispatchKeyEvent", type="keyUp", key="Tab", windowsVirtualKeyCode=9)
        reached.append(browser.value("document.activeElement.id || document.activeElement.tagName"))
    for wanted in ("log-y", "svg", "plane", "across", "part", "INPUT", "later" if "later" in reached else "PRE"):
        check(f"Tab reaches {wanted}", wanted in reached, "" if wanted in reached else " ".join(reached))

    # What lies between codes: the ends are the codes.
    browser.value("place('part').value = 1; place('part').oninput()")
    difference = browser.value("""(() => {
      const z = floats(model.codes).subarray(model.latents, 2 * model.latents);
      const canvas = document.createElement("canvas");
      canvas.width = model.width, canvas.height = model.height;
      paint(canvas, decode(z));
      return canvas.toDataURL() === place("image").toDataURL();
    })()""")
    check("the way between two codes ends at the second", difference)

    # A phone.
    browser.size(360, 740, mobile=True)
    for name in ("vae", "gan"):
        browser.open(os.path.join(folder, name + ".html"))
        browser.wait("work.size === 0")
        browser.value("place('all').open = true")
        browser.wait("work.size === 0")
        wide = browser.value("document.documentElement.scrollWidth")
        check(f"{name}: nothing is wider than a phone", wide <= 360, wide)
        browser.screenshot(f"{name}_phone.png")
        check(f"{name}: no complaints on a phone", not browser.complaints(), " ".join(browser.complaints()))


main()
sys.exit(failures > 0)
