#!/usr/bin/env python3
"""Photographs an exported page in headless Chromium, dark and light, at three widths, and measures it.

    photograph.py PAGE.html [OUT-FOLDER]

Times are those of drawing without a graphics card, each frame to its last pixel. A message on the page's console, a page wider than its
window or a control without a name is a failure (exit status 1).
"""
import os
import re
import subprocess
import sys
import tempfile

WIDTHS = ((390, 844), (1024, 768), (1920, 1080))
BROWSER = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr"]
# Runs where the page's script ends.
PROBE = r"""
const loaded = performance.now(), lines = [];
const time = (name, count, act) => {
  const list = [];
  for (let k = 0; k < count; k++) {
    const begin = performance.now();
    act(k / count);
    drawFrame();
    pen.getImageData(0, 0, 1, 1); /* waits for the pixels */
    list.push(performance.now() - begin);
  }
  list.sort((a, b) => a - b);
  lines.push(`${name}: median ${list[count >> 1].toFixed(1)} ms, worst ${list.at(-1).toFixed(1)} ms`);
};
lines.push(`${events.count} events, ${spans.count} spans, ${lanes.length} lanes; script done after ${loaded.toFixed(0)} ms`);
time("frame, whole trace", 40, () => setView(0, events.count));
time("frame, zooming in", 80, (at) => {
  const half = events.count * Math.pow(20 / events.count, at) / 2;
  setView(events.count * 0.4 - half, events.count * 0.4 + half);
});
time("frame, panning at 1 %", 60, (at) => setView(at * events.count, (at + 0.01) * events.count));
time("choosing an event", 20, (at) => choose(Math.floor(at * events.count)));
time("searching", 5, () => search("flush"));
lines.push(`wider than the window: ${document.documentElement.scrollWidth > window.innerWidth}`);
const unnamed = [...document.querySelectorAll("button, input, canvas, [role]")].filter((one) =>
  !one.hidden && !(one.getAttribute("aria-label") || one.textContent.trim()) &&
  !["presentation", "tooltip"].includes(one.getAttribute("role")));
lines.push(`controls without a name: ${unnamed.length} ${unnamed.map((one) => one.id || one.tagName)}`);
const measured = document.createElement("pre");
measured.id = "measured";
measured.textContent = lines.join("\n");
document.body.append(measured);
"""


def browse(page, width, height, *arguments):
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run([*BROWSER, f"--user-data-dir={profile}", f"--window-size={width},{height}", *arguments,
                               "file://" + os.path.abspath(page)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120)
    # The probe's own reading of pixels makes Chromium give advice.
    return done.stdout, [line for line in re.findall(r"CONSOLE.*", done.stderr) if "readback operations" not in line]


def main():
    page = sys.argv[1]
    out = sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.abspath(page))
    stem = os.path.splitext(os.path.basename(page))[0]
    failed = False
    os.makedirs(out, exist_ok=True)
    for width, height in WIDTHS:
        for theme, scheme in (("light", 1), ("dark", 0)):
            picture = os.path.join(out, f"{stem}-{width}-{theme}.png")
            _, said = browse(page, width, height, f"--blink-settings=preferredColorScheme={scheme}",
                             "--virtual-time-budget=2000", f"--screenshot={picture}")
            failed = failed or bool(said)
            print("\n".join([picture, *said]))
    with open(page, encoding="utf-8") as file:
        text = file.read()
    end = text.rindex("})();\n</script>")
    for width, height in WIDTHS:
        with tempfile.TemporaryDirectory() as folder:
            probed = os.path.join(folder, "page.html")
            with open(probed, "w", encoding="utf-8") as file:
                file.write(text[:end] + PROBE + text[end:])
            dom, said = browse(probed, width, height, "--dump-dom")
        measured = re.search(r'<pre id="measured">(.*?)</pre>', dom, re.S)
        if measured is None or said or "window: true" in measured.group(1) or "a name: 0" not in measured.group(1):
            failed = True
        print(f"\n{width} x {height}", measured.group(1) if measured else "the page's script did not end", *said, sep="\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
