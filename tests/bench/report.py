# SPDX-License-Identifier: MIT
"""What tests/bench/run has measured, as a table, a plot, and a section of a document."""

import dataclasses
import json
import math
import re
import statistics
from pathlib import Path

HEAD = ("row", "measured", "pollard", "beside it", "its figure", "pollard ÷ it", "rounds")
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
COLOURS = {  # for a light ground, for a dark one, dashes
    "pollard": ("#0b7a3e", "#4cd48a", ""),
    "bare epoll": ("#1f5fbf", "#7fb2ff", "7 4"),
    "plain poll": ("#c2410c", "#ff9b6a", "2 4"),
    "Redis": ("#8a2be2", "#c9a2ff", "10 3 2 3"),
}


def figure(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def median(figures):
    """Of the rounds that gave one."""
    return statistics.median([one for one in figures if one is not None] or [0])


def bound(runs):
    """† where the load generator had hardly any time left."""
    return "†" if median([run.get("load_cpu", 0) for run in runs if run]) > 0.95 else ""


def ratios(ours, theirs):
    """Of each round by itself, for its noise was common to both: the median, and how far apart."""
    each = sorted(a / b for a, b in zip(ours, theirs) if a is not None and b)
    if not each:
        return "–", "–"
    return f"{statistics.median(each):.2f}", f"{each[0]:.2f} to {each[-1]:.2f}"


def lines(results):
    """One for each value of each peer."""
    for row in results["rows"]:
        for value in row["values"]:
            cells = {label: figure(median(runs)) + bound(row["raw"][label])
                     for label, runs in value["figures"].items()
                     if any(one is not None for one in runs)}
            ours = next(iter(row["raw"]))
            unit = value["unit"] + (" (less is better)" if value["less"] else "")
            for label in cells:
                if label != ours and ours in cells:
                    yield (row["name"], unit, cells[ours], label, cells[label],
                           *ratios(value["figures"][ours], value["figures"][label]))


def text(results):
    """The table: Markdown, and lined up for the eye. A row is named once."""
    cells, last = [HEAD], ()
    for line in lines(results):
        cells.append(("", "", "") + line[3:] if line[:2] == last else line)
        last = line[:2]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEAD))]
    right = (2, 4, 5, 6)

    def join(line):
        padded = (cell.rjust(width) if i in right else cell.ljust(width)
                  for i, (cell, width) in enumerate(zip(line, widths)))
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if i in right else "-")
                          for i, width in enumerate(widths)) + "|"
    return "\n".join([join(cells[0]), rule, *map(join, cells[1:])])


def disturbance(results):
    """Percent of the time that load and server waited for a core, at the median."""
    waited = [max(run["load_waited"], run["server_waited"])
              for row in results["rows"] for runs in row["raw"].values()
              for run in runs if run and "load_waited" in run]
    return 100 * median(waited)


def conditions(results):
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['kernel']}; {machine['date']}. "
        f"Medians of {results['rounds']} rounds of {results['seconds']:g} s; other "
        f"processes had {disturbance(results):.0f} % of the busier core. "
        + (f"Peers: {versions}." if versions else "")
    )


def section(results):
    rows = "\n".join(f"- **{row['name']}**: {row['work']}" for row in results["rows"])
    return f"{conditions(results)}\n\n{text(results)}\n\n{rows}\n"


# ---- the plot ----


@dataclasses.dataclass(frozen=True)
class Panel:
    """The first value of rows of a kind, over the number of idle connections."""

    rows: str  # the group is that number; without it 10,000
    title: str
    axis: str
    unit: float = 1  # what the axis counts, in that of the value
    logarithmic: bool = False

    def servers(self, results):
        """{server: [(idle connections, figure)]}"""
        found = {}
        for row in results["rows"]:
            match = re.fullmatch(self.rows, row["name"])
            for label, figures in row["values"][0]["figures"].items() if match else ():
                if label in COLOURS and any(figures):
                    point = int(match[1] or 10000), median(figures) / self.unit
                    found.setdefault(label, []).append(point)
        return {label: sorted(points) for label, points in found.items() if len(points) > 1}

    def scale(self, figures):
        """Where a figure is between the bottom, 0, and the top, 1; and the figures to name."""
        least, most = min(figures), max(figures)
        if not self.logarithmic:
            top = 1.08 * most
            return lambda y: y / top, range(0, int(top), tick_step(top))
        steps = [step * 10.0**power for power in range(-3, 7) for step in (1, 2, 5)]
        bottom = max(step for step in steps if step <= least)
        top = min(step for step in steps if step >= most)
        return (lambda y: math.log(y / bottom) / math.log(top / bottom),
                [step for step in steps if bottom <= step <= top])


PANELS = (
    Panel(r"idle (\d+)", "50 active connections beside idle ones", "requests a second"),
    Panel(r"trickle 200(?: of (\d+))?", "200 requests a second, each of a random idle connection",
          "median latency, ms", unit=1000, logarithmic=True),
)
WIDTH, LEFT, RIGHT, LEGEND = 720, 90, 40, 50
PANEL, TITLE, PLOTTED = 355, 36, 250  # heights: of all, above the axes, and between them


def style():
    def rules(which):
        return "".join(
            f".s{i} {{ stroke: {colours[which]}; fill: {colours[which]}; }}\n"
            for i, colours in enumerate(COLOURS.values())
        )

    return (
        "text { font: 13px sans-serif; fill: #222; stroke: none; }\n"
        ".title { font-weight: bold; } .grid { stroke: #ccc; } .ground { fill: #fff; }\n"
        "polyline { fill: none !important; stroke-width: 2.5; }\n" + rules(0)
        + "@media (prefers-color-scheme: dark) {\n"
        "text { fill: #ddd; } .grid { stroke: #444; } .ground { fill: #0d1117; }\n"
        + rules(1) + "}\n"
    )


def tick_step(top):
    """Round numbers, about five of them."""
    step = 1000
    while top / step > 6:
        step *= 2 if str(step)[0] != "2" else 2.5
        step = int(step)
    return step


def colour(label):
    return f'class="s{list(COLOURS).index(label)}"'


def curve(label, points):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline {colour(label)} stroke-dasharray="{COLOURS[label][2]}" points="{path}"/>'


def words(x, y, what, anchor="middle", rest=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{rest}>{what}</text>'


def legend(labels):
    for i, label in enumerate(labels):
        at = LEFT + 150 * i
        yield curve(label, [(at, 28), (at + 34, 28)])
        yield words(at + 42, 32, label, "start")


def draw(panel, servers, upper):
    """A panel whose upper edge is there."""
    most_idle = max(x for points in servers.values() for x, _ in points)
    share, ticks = panel.scale([y for points in servers.values() for _, y in points])
    middle, right, bottom = (LEFT + WIDTH - RIGHT) / 2, WIDTH - RIGHT, upper + TITLE + PLOTTED

    def place(x, y):
        return LEFT + x / most_idle * (right - LEFT), bottom - share(y) * PLOTTED

    yield words(middle, upper + TITLE - 18, panel.title, rest=' class="title"')
    for y in ticks:
        _, at = place(0, y)
        yield f'<line class="grid" x1="{LEFT}" y1="{at:.1f}" x2="{right}" y2="{at:.1f}"/>'
        yield words(LEFT - 8, at + 4, f"{y:,.10g}", "end")
    for x in sorted({x for points in servers.values() for x, _ in points}):
        yield words(place(x, ticks[0])[0], bottom + 20, f"{x:,}")
    yield words(middle, bottom + 42, "idle connections")
    yield (f'<text transform="translate(20 {bottom - PLOTTED / 2:.0f}) rotate(-90)" '
           f'text-anchor="middle">{panel.axis}</text>')
    for label, points in servers.items():
        places = [place(x, y) for x, y in points]
        yield curve(label, places)
        yield from (f'<circle {colour(label)} r="3.5" cx="{x:.1f}" cy="{y:.1f}"/>'
                    for x, y in places)


def svg(results):
    """The panels for which there are figures, one below the other; None: for none of them."""
    drawn = [(panel, servers) for panel in PANELS if (servers := panel.servers(results))]
    if not drawn:
        return None
    height = LEGEND + PANEL * len(drawn)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-label="Requests a second, and latency, over idle connections">',
        f"<style>\n{style()}</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        *legend([label for label in COLOURS if any(label in servers for _, servers in drawn)]),
    ]
    for i, (panel, servers) in enumerate(drawn):
        out += draw(panel, servers, LEGEND + PANEL * i)
    return "\n".join(out) + "\n</svg>\n"


# ---- files ----


def replace_section(path, new):
    """Between the two comments; the prose around them is left as it is."""
    old = path.read_text()
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no {BEGIN} ... {END}")
    path.write_text(f"{before}{BEGIN}\n\n{new}\n{END}{after}")


def write(results, build, docs=None):
    """bench.json, bench.md and, where it was measured, the plot into build; docs: see run."""
    plot = svg(results)
    Path(build, "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    Path(build, "bench.md").write_text(section(results))
    if plot:
        Path(build, "bench.svg").write_text(plot)
    if docs:
        Path(docs, "throughput.svg").write_text(plot)
        replace_section(Path(docs, "performance.md"), section(results))
