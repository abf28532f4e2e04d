# SPDX-License-Identifier: MIT
"""What tests/bench/run has measured, as a table, a plot, and a section of a document."""

import json
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


def throughput(results):
    """{server: [(idle connections, requests a second)]}"""
    found = {}
    for row in results["rows"]:
        match = re.fullmatch(r"idle (\d+)", row["name"])
        for label, rates in row["values"][0]["figures"].items() if match else ():
            if label in COLOURS and any(rates):
                found.setdefault(label, []).append((int(match[1]), median(rates)))
    return {label: sorted(points) for label, points in found.items() if len(points) > 1}


def style():
    def rules(which):
        return "".join(
            f".s{i} {{ stroke: {colours[which]}; fill: {colours[which]}; }}\n"
            for i, colours in enumerate(COLOURS.values())
        )

    return (
        "text { font: 13px sans-serif; fill: #222; stroke: none; }\n"
        ".grid { stroke: #ccc; } .ground { fill: #fff; }\n"
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


def svg(results):
    width, height, left, right, upper, lower = 720, 400, 90, 40, 60, 60
    servers = throughput(results)
    if not servers:
        return None
    most_idle = max(x for points in servers.values() for x, _ in points)
    top = 1.08 * max(y for points in servers.values() for _, y in points)

    def place(x, y):
        return (left + x / most_idle * (width - left - right),
                height - lower - y / top * (height - upper - lower))

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        'aria-label="Requests a second over idle connections">',
        f"<style>\n{style()}</style>",
        f'<rect class="ground" width="{width}" height="{height}"/>',
    ]
    for y in range(0, int(top), tick_step(top)):
        (x1, at), (x2, _) = place(0, y), place(most_idle, y)
        out.append(f'<line class="grid" x1="{x1:.0f}" y1="{at:.1f}" x2="{x2:.0f}" y2="{at:.1f}"/>')
        out.append(f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{y:,}</text>')
    for x in sorted({x for points in servers.values() for x, _ in points}):
        out.append(f'<text x="{place(x, 0)[0]:.1f}" y="{height - lower + 20}" '
                   f'text-anchor="middle">{x:,}</text>')
    out.append(f'<text x="{(left + width - right) / 2}" y="{height - 14}" text-anchor="middle">'
               "idle connections beside 50 active ones</text>")
    out.append(f'<text transform="translate(20 {height / 2}) rotate(-90)" text-anchor="middle">'
               "requests a second</text>")
    for i, (label, (_, _, dashes)) in enumerate(COLOURS.items()):
        if label not in servers:
            continue
        points = [place(x, y) for x, y in servers[label]]
        at = left + 150 * i
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        out.append(f'<g class="s{i}"><polyline stroke-dasharray="{dashes}" points="{path}"/>')
        out += [f'<circle r="3.5" cx="{x:.1f}" cy="{y:.1f}"/>' for x, y in points]
        out.append(f'<polyline stroke-dasharray="{dashes}" points="{at},28 {at + 34},28"/>'
                   f'<text x="{at + 42}" y="32">{label}</text></g>')
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
