#!/usr/bin/python3
"""Measures, and draws what was measured as SVG into docs/pictures.

    tools/pictures.py                          both pictures, from runs of its own
    tools/pictures.py timeline TRACE MASSIF REPORT FILE
                                               from a --memory-trace, massif's output and --mem-report

timeline.svg: what was in use for what, from the first byte to the last, of one connection that
publishes a message; beside it what massif saw in the same run. Its clock is massif's, bytes taken
and given back (--time-unit=B), so that both have the same. comparison.svg: mosquitto's clients and
thimble, measured one after the other against the same broker.

Areas are drawn in bytes, within a group that scales them: what their paths say is exact.
"""
import argparse
import csv
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from html import escape

sys.dont_write_bytecode = True
TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tools"))
from budget import ENVIRONMENT, Lab, Trouble, resident, run  # noqa: E402

WORK = pathlib.Path("build/pictures")
PICTURES = TOP / "docs" / "pictures"
BINARY = "build/thimble"
MASSIF = ["valgrind", "--tool=massif", "--peak-inaccuracy=0.0", "--time-unit=B", "--heap-admin=0",
          "--max-snapshots=1000", "--detailed-freq=1000"]

# What is drawn as one band, from the bottom: name, colours in light and in dark, purposes. Colours
# are told apart without red and green, and by their lightness.
BANDS = [
    ("trust, our identity", "#44546a", "#7d8fa8", ()),
    ("session", "#0072b2", "#2b8fd0", ("session", "context")),
    ("broker's certificates", "#7cc7f0", "#8fd0f5", ("certificate", "key")),
    ("handshake", "#00805e", "#1fa67f", ("handshake", "extension", "ticket", "hash")),
    ("elliptic curves", "#f2d941", "#f2dc58", ("ecc", "bignum")),
    ("records", "#d55e00", "#e8853a", ("record-in", "record-out")),
    ("cipher, random", "#c286b0", "#d19dc2", ("cipher", "random")),
    ("other", "#a8a8a8", "#8c8c8c", ("file", "libc", "other")),
]
SHARED, OTHER = 0, len(BANDS) - 1
BAND_OF = {purpose: number for number, band in enumerate(BANDS) for purpose in band[3]}

INK = {"light": {"paper": "#ffffff", "ink": "#1b1f24", "soft": "#57606a", "line": "#d0d7de"},
       "dark": {"paper": "#0d1117", "ink": "#e6edf3", "soft": "#9aa4af", "line": "#30363d"}}
OURS = ("#0072b2", "#4aa8e0")
THEIRS = ("#b8bec6", "#5d666f")


# ---- what was measured -----------------------------------------------------------------------

class Event:
    """A row of the trace: massif's time before it and after it, and what each band has then."""

    def __init__(self, row, before, bands):
        self.phase = row["phase"] if row["purpose"] == "phase" else None
        self.before, self.after = before, before + abs(int(row["bytes"]))
        self.live, self.bands = int(row["live"]), list(bands)


def read_trace(path):
    events, bands, clock = [], [0] * len(BANDS), 0
    with open(path, newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            shared = row["heap"] == "shared heap"
            number = SHARED if shared else BAND_OF.get(row["purpose"], OTHER)
            bands[number] += int(row["bytes"])
            events.append(Event(row, clock, bands))
            clock = events[-1].after
    return events


def read_massif(path):
    text = pathlib.Path(path).read_text()
    return [(int(when), int(heap))
            for when, heap in re.findall(r"^time=(\d+)\nmem_heap_B=(\d+)", text, re.M)]


def number_in(text, pattern):
    return int(re.search(pattern, text, re.M).group(1).replace(",", ""))


def read_report(path):
    """The ceiling is what all heaps may have in use together."""
    text = pathlib.Path(path).read_text()
    pools = re.findall(r"^  (?:TLS record cell|TLS heap|shared heap|process heap) +[\d,]+ +([\d,]+)",
                       text, re.M)
    return {"peak": number_in(text, r"^  peak +([\d,]+) B"),
            "ceiling": sum(int(pool.replace(",", "")) for pool in pools)}


# ---- SVG -------------------------------------------------------------------------------------

def style(colours):
    """`colours`: class to (property, light, dark)."""
    def rules(which):
        return "".join(f".{name}{{{what}:{pair[which]}}}" for name, what, *pair in colours)
    return ("text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
            "font-size:16px}.big{font-size:22px;font-weight:600}.strong{font-weight:600}"
            ".end{text-anchor:end}.middle{text-anchor:middle}.line{fill:none;stroke-width:1}"
            ".dots{stroke-width:3.6;stroke-linecap:round}"
            + rules(0) + "@media(prefers-color-scheme:dark){" + rules(1) + "}")


def inks():
    both = {name: (INK["light"][name], INK["dark"][name]) for name in INK["light"]}
    return [("paper", "fill", *both["paper"]), ("ink", "fill", *both["ink"]),
            ("soft", "fill", *both["soft"]), ("line", "stroke", *both["line"]),
            ("edge", "stroke", *both["paper"]), ("curve", "stroke", *both["ink"])]


class Drawing:
    def __init__(self, width, height, title, description, colours):
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img" aria-labelledby="t d">',
            f'<title id="t">{escape(title)}</title><desc id="d">{escape(description)}</desc>',
            f"<style>{style([*inks(), *colours])}</style>",
            f'<rect class="paper" width="{width}" height="{height}" rx="10"/>']

    def add(self, text):
        self.parts.append(text)

    def text(self, x, y, text, classes="ink"):
        self.add(f'<text class="{classes}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, classes="line", more=""):
        self.add(f'<path class="{classes}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"{more}/>')

    def bar(self, x, y, width, height, classes):
        self.add(f'<rect class="{classes}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 2):.1f}" '
                 f'height="{height:.1f}" rx="3"/>')

    def save(self, path):
        path.write_text("\n".join([*self.parts, "</svg>\n"]))


# ---- the timeline ----------------------------------------------------------------------------

WIDTH, HEIGHT = 1000, 570
LEFT, RIGHT, BOTTOM, ROOF, CEILING = 76, 720, 476, 176, 118  # ROOF: of the scale; then it is broken


def steps(points):
    """A path through (time, bytes) in which bytes change at once."""
    text, level = [f"M{points[0][0]} {points[0][1]}"], points[0][1]
    for when, value in points[1:]:
        if value != level:
            text.append(f"H{when}V{value}")
            level = value
    return "".join(text) + f"H{points[-1][0]}"


def area(events, top):
    """From the bottom to the upper edge of band `top`; the bands above are drawn first."""
    points = [(0, 0), *((each.after, sum(each.bands[:top + 1])) for each in events)]
    return steps(points) + "V0Z"


def nice_step(most):
    return next(step for step in (1024 * 2 ** i for i in range(12)) if most / step <= 7)


def phases(events):
    """(name, from, to), those that are left before anything happens included."""
    starts = [("set up", 0)]
    for each in events:
        if each.phase and each.phase != starts[-1][0]:
            starts.append((each.phase if each.phase != "resting" else "closed", each.before))
    ends = [begin for _, begin in starts[1:]] + [events[-1].after]
    return [(name, begin, end) for (name, begin), end in zip(starts, ends) if name != "closed"
            or begin < end]


class Timeline:
    def __init__(self, events, massif, report):
        self.events, self.massif, self.report = events, massif, report
        self.most = events[-1].after
        self.peak = max(events, key=lambda each: each.live)
        self.step = nice_step(self.peak.live)
        self.high = (self.peak.live // self.step + 1) * self.step
        self.drawing = Drawing(
            WIDTH, HEIGHT, "Memory of one connection, from its first byte to its last",
            f"Stacked areas by purpose; the peak is {self.peak.live} bytes, the ceiling "
            f"{report['ceiling']} bytes; massif's curve lies on the upper edge.",
            [(f"b{i}", "fill", band[1], band[2]) for i, band in enumerate(BANDS)])

    def x(self, when):
        return LEFT + (RIGHT - LEFT) * when / self.most

    def y(self, live):
        return BOTTOM - (BOTTOM - ROOF) * live / self.high

    def draw_scale(self):
        for live in range(0, self.high + 1, self.step):
            self.drawing.line(LEFT, self.y(live), RIGHT, self.y(live))
            self.drawing.text(LEFT - 10, self.y(live) + 5, f"{live // 1024} KB" if live else "0",
                              "soft end")

    def draw_ceiling(self):
        """Far above: the scale is broken."""
        draw = self.drawing
        draw.line(LEFT, CEILING, RIGHT, CEILING, "line curve", ' stroke-width="3"')
        draw.text(RIGHT + 18, CEILING + 1, f"{self.report['ceiling']:,} B", "ink strong")
        draw.text(RIGHT + 18, CEILING + 21, "the ceiling: all heaps as built", "soft")
        for at in (LEFT, RIGHT):
            draw.line(at, CEILING, at, BOTTOM)
            for y in (ROOF - 19, ROOF - 13):
                draw.line(at - 8, y + 4, at + 8, y - 4, "line curve")

    def draw_phases(self):
        waiting = []
        for name, begin, end in phases(self.events):
            self.drawing.line(self.x(begin), ROOF - 8, self.x(begin), BOTTOM + 8, "line curve",
                              ' stroke-dasharray="1 4"')
            left, right = self.x(begin), self.x(end)
            if right - left < 10 * len(name):
                waiting.append((name, left, right))
                continue
            self.draw_passing(waiting)
            waiting = []
            self.drawing.text((left + right) / 2, BOTTOM + 24, name, "ink middle")
        self.draw_passing(waiting)

    def draw_passing(self, names):
        """What is too narrow for its name, in a second line."""
        if not names:
            return
        left, right = names[0][1], names[-1][2]
        self.drawing.add(f'<path class="line curve" d="M{left:.1f} {BOTTOM + 12}V{BOTTOM + 32}'
                         f'H{right:.1f}V{BOTTOM + 12}"/>')
        self.drawing.text((left + right) / 2, BOTTOM + 50, ", ".join(each[0] for each in names),
                          "soft middle")

    def draw_areas(self):
        scale = f"{(RIGHT - LEFT) / self.most:.9f} {-(BOTTOM - ROOF) / self.high:.9f}"
        self.drawing.add(f'<g id="bytes" transform="translate({LEFT} {BOTTOM}) scale({scale})">')
        for number in reversed(range(len(BANDS))):
            self.drawing.add(f'<path id="band{number}" class="b{number}" '
                             f'd="{area(self.events, number)}"/>')
        self.drawing.add("</g>")

    def draw_massif(self):
        """A line, and a dot for each snapshot; not scaled, so that they keep their width."""
        line, dots = "", ""
        for when, heap in self.massif:
            x, y = self.x(when), self.y(heap)
            line += f"H{x:.1f}V{y:.1f}" if line else f"M{x:.1f} {y:.1f}"
            dots += f"M{x:.1f} {y:.1f}h0"
        self.drawing.add(f'<path id="massif" class="line curve" d="{line}"/>')
        self.drawing.add(f'<path class="line curve dots" d="{dots}"/>')

    def draw_peak(self):
        draw, y = self.drawing, self.y(self.peak.live)
        draw.line(self.x(self.peak.after), y, RIGHT + 12, y, "line curve", ' stroke-dasharray="5 3"')
        draw.text(RIGHT + 18, y + 1, f"{self.peak.live:,} B", "ink strong")
        draw.text(RIGHT + 18, y + 21, "the peak, of which then:", "soft")

    def draw_legend(self):
        draw, y = self.drawing, self.y(self.peak.live) + 34
        for number in reversed(range(len(BANDS))):
            draw.bar(RIGHT + 18, y, 16, 16, f"b{number}")
            draw.text(RIGHT + 42, y + 13, BANDS[number][0])
            draw.text(WIDTH - 16, y + 13, f"{self.peak.bands[number]:,}", "soft end")
            y += 25
        draw.add(f'<path class="line curve" d="M{RIGHT + 17} {y + 10}h18"/>')
        draw.add(f'<path class="line curve dots" d="M{RIGHT + 19} {y + 10}h0m7 0h0m7 0h0"/>')
        draw.text(RIGHT + 42, y + 15, f"massif, {len(self.massif)} snapshots")

    def save(self, path):
        draw = self.drawing
        draw.text(24, 40, "One connection, from its first byte to its last", "ink big")
        draw.text(24, 66, "thimble pub, TLS 1.3 with client certificates, QoS 1: what is in use for "
                  "what, and what valgrind's massif saw of it", "soft")
        self.draw_scale()
        self.draw_ceiling()
        self.draw_areas()
        self.draw_massif()
        self.draw_phases()
        self.draw_peak()
        self.draw_legend()
        draw.text(LEFT, HEIGHT - 14, "from left to right: bytes taken and given back, "
                  f"{self.most:,} in all (massif's --time-unit=B)", "soft")
        draw.save(path)


def timeline(trace, massif, report, path):
    Timeline(read_trace(trace), read_massif(massif), read_report(report)).save(pathlib.Path(path))


# ---- the comparison --------------------------------------------------------------------------

ROWS = [
    ("file", "program and its libraries", "B", "publish one message at QoS 1, and leave"),
    ("heap", "heap at its peak", "B", ""),
    ("instructions", "instructions", "", ""),
    ("rss", "resident memory", "B", "subscribed, waiting"),
    ("dirty", "of that its own (private dirty)", "B", ""),
]


def amount(value, unit):
    return f"{value:,} {unit}" if unit else f"{value / 1e6:.1f} million"


def comparison(ours, theirs, path):
    """Each row has a scale of its own: the longer bar is whole."""
    left, right, y = 290, 752, 96
    draw = Drawing(WIDTH, 500, "mosquitto's clients and thimble",
                   "; ".join(f"{name}: {theirs[key]} and {ours[key]}" for key, name, *_ in ROWS),
                   [("ours", "fill", *OURS), ("theirs", "fill", *THEIRS)])
    draw.text(24, 40, "mosquitto's clients and thimble, over mutual TLS 1.3", "ink big")
    draw.text(24, 66, "same broker, same certificates (EC P-256), measured in the same run; each pair of bars has its own scale",
              "soft")
    for key, name, unit, heading in ROWS:
        if heading:
            draw.text(24, y + 16, heading, "soft")
            y += 30
        most = max(ours[key], theirs[key])
        draw.text(left - 16, y + 31, name, "ink end")
        for who, values, top in (("theirs", theirs, y), ("ours", ours, y + 24)):
            width = (right - left) * values[key] / most
            draw.bar(left, top, width, 20, who)
            text = f"{'mosquitto' if who == 'theirs' else 'thimble'} {amount(values[key], unit)}"
            draw.text(left + width + 10, top + 15.5, text, "ink strong" if who == "ours" else "soft")
        y += 66
    draw.save(path)


# ---- measuring -------------------------------------------------------------------------------

def words(program, lab):
    return [program, *lab.arguments("ec", "tlsv1.3")]


def trace_under_massif(lab, folder):
    """One run, seen by its own trace and by massif."""
    done = subprocess.run(
        [*MASSIF, f"--massif-out-file={folder / 'massif'}", BINARY, "pub",
         *lab.arguments("ec", "tlsv1.3"), "-t", "pictures", "-m", "x" * 64,
         "--memory-trace", folder / "trace", "--mem-report"],
        cwd=TOP, env=ENVIRONMENT, timeout=300, text=True, capture_output=True)
    (folder / "report").write_text(done.stderr)
    if done.returncode:
        raise Trouble(done.stderr)


def libraries_bytes(program):
    files = {os.path.realpath(program)}
    listed = subprocess.run(["ldd", program], text=True, capture_output=True).stdout
    files |= {os.path.realpath(path) for path in re.findall(r"(/\S+) \(0x", listed)}
    return sum(os.stat(path).st_size for path in files)


def heap_peak(command):
    out = TOP / WORK / "peak.massif"
    run([*MASSIF, f"--massif-out-file={out}", *command])
    return max(heap for _, heap in read_massif(out))


def instructions(command):
    out = TOP / WORK / "callgrind"
    run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *command])
    return int(re.search(r"^totals: (\d+)", out.read_text(), re.M).group(1))


def waiting(lab, command, topic):
    subscriber = subprocess.Popen([*map(str, command), "-t", topic], cwd=TOP, env=ENVIRONMENT,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        lab.await_subscription(topic)
        time.sleep(0.3)
        return resident(subscriber.pid)
    finally:
        subscriber.terminate()
        subscriber.wait()


def measure(lab, publisher, subscriber, topic):
    publish = [*publisher, "-t", topic, "-m", "x" * 64]
    seen = waiting(lab, subscriber, topic)
    return {"file": libraries_bytes(publisher[0]), "heap": heap_peak(publish),
            "instructions": instructions(publish), "rss": seen["rss_bytes"],
            "dirty": seen["private_dirty_bytes"]}


def compare(lab):
    arguments = lab.arguments("ec", "tlsv1.3")
    theirs = [[shutil.which(f"mosquitto_{name}"), *arguments] for name in ("pub", "sub")]
    ours = [[BINARY, name, *arguments] for name in ("pub", "sub")]
    return measure(lab, *ours, "pictures/ours"), measure(lab, *theirs, "pictures/theirs")


def draw_all():
    folder = TOP / WORK
    folder.mkdir(parents=True, exist_ok=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    with Lab(WORK / "lab") as lab:
        trace_under_massif(lab, folder)
        ours, theirs = compare(lab)
    timeline(folder / "trace", folder / "massif", folder / "report", PICTURES / "timeline.svg")
    comparison(ours, theirs, PICTURES / "comparison.svg")
    for key, name, unit, _ in ROWS:
        print(f"{name:34}{theirs[key]:14,}{ours[key]:14,}  {unit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", nargs="*", help="timeline TRACE MASSIF REPORT FILE")
    given = parser.parse_args().what
    if not given:
        draw_all()
    elif len(given) == 5 and given[0] == "timeline":
        timeline(*given[1:])
    else:
        parser.error("either nothing, or: timeline TRACE MASSIF REPORT FILE")


if __name__ == "__main__":
    main()
