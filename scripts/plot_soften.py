#!/usr/bin/env python3
"""Draws a sweep of `maso soften MODEL DATA --beta 0..1:41 --json` as an SVG file: shares above, entropies below.

    maso soften MODEL DATA --labels L --beta 0..1:41 --json > sweep.json
    python3 scripts/plot_soften.py sweep.json docs/images/soften.svg
"""
import json
import sys

WIDTH, LEFT, RIGHT, PANEL, GAP, TOP = 720, 60, 190, 190, 56, 46
# Okabe and Ito's colours, which colour-blind readers tell apart.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]


def x_of(beta):
    return LEFT + beta * (WIDTH - LEFT - RIGHT)


def panel(top, low, high, label, lines, betas, ticks):
    """Lines of one panel: axes, grid, a name at the end of each line."""
    def y_of(value):
        return top + PANEL * (1 - (value - low) / (high - low))

    parts = []
    for tick, text in ticks:
        y = y_of(tick)
        parts.append(f'<line x1="{x_of(0)}" x2="{x_of(1)}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for tick in range(0, 11, 2):
        x = x_of(tick / 10)
        parts.append(f'<text x="{x:.1f}" y="{top + PANEL + 18}" text-anchor="middle">{tick / 10:g}</text>')
    parts.append(f'<text x="{LEFT}" y="{top - 10}" font-weight="bold">{label}</text>')
    last = None
    for (name, values), colour in zip(lines, COLOURS):
        points = " ".join(f"{x_of(b):.1f},{y_of(v):.1f}" for b, v in zip(betas, values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        # Names stand at the middle of the sweep's end, one below the other.
        last = top + 20 if last is None else last + 18
        parts.append(f'<text x="{x_of(1) + 12}" y="{last}" fill="{colour}">{name}</text>')
    return parts


def main(source, target):
    with open(source, encoding="utf-8") as file:
        report = json.load(file)
    points = report["sweep"]
    betas = [point["beta"] for point in points]
    shares = [("same class", [p["same_class"] for p in points]),
              ("region predicts", [p["region_predicts"] for p in points])]
    if report["accuracy"] is not None:
        shares.insert(0, ("accuracy", [p["accuracy"] for p in points]))
    entropies = [(name, [p["entropy"][i] for p in points]) for i, name in enumerate(report["layers"])]
    low = min(min(values) for _, values in shares)
    low = int(low * 20) / 20
    most = max(max(values) for _, values in entropies)
    most = max(0.1, -(-most // 0.1) * 0.1)
    steps = range(int(low * 20), 21)
    height = TOP + 2 * PANEL + GAP + 50
    body = [f'<text x="{LEFT}" y="20" font-weight="bold" font-size="15">'
            f'{report["rows"]} rows, {len(report["layers"])} layers softened by {report["rule"]}</text>']
    body += panel(TOP + 10, low, 1.0, "share of rows", shares, betas, [(s / 20, f"{5 * s} %") for s in steps])
    tenths = range(0, round(most * 10) + 1, 2)
    body += panel(TOP + 10 + PANEL + GAP, 0.0, most, "entropy of memberships (nats)", entropies, betas,
                  [(t / 10, f"{t / 10:g}") for t in tenths])
    body.append(f'<text x="{x_of(0.5):.0f}" y="{height - 4}" text-anchor="middle">β (1 is the hard choice)</text>')
    style = 'font-family="DejaVu Sans, sans-serif" font-size="12" fill="#222"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {style}>'
    with open(target, "w", encoding="utf-8") as file:
        file.write("\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *body, "</svg>"]) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
