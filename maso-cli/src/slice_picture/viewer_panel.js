// The panel beside the picture: what is shown, and what is known of the region under the pointer.

const element = (id) => document.getElementById(id);

function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

// A number with four digits that count.
function short(number) {
  if (number === 0) return "0";
  const text = Math.abs(number) >= 1e-4 && Math.abs(number) < 1e6 ? number.toPrecision(4) : number.toExponential(3);
  return text.replace("-", "−");
}

function buildControls() {
  element("title").textContent = about.title;
  element("subtitle").textContent = about.subtitle;
  about.paints.forEach((one, number) => {
    element("colour").append(make("option", { value: number, textContent: one.title || "nothing" }));
  });
  element("colour").value = paint;
  element("colour").addEventListener("change", (event) => {
    paint = Number(event.target.value);
    showLegend();
    redraw();
  });
  about.layers.forEach(addLayer);
  for (const what of ["boundary", "points", "labels"]) addToggle(element(what), shown, what);
  element("boundary").parentElement.hidden = data.boundary.length === 0;
  element("points").parentElement.hidden = about.points.length === 0;
  element("labels").parentElement.hidden = !about.points.some((point) => point[3]);
  element("onTop").hidden = ["boundary", "points", "labels"].every((id) => element(id).parentElement.hidden);
  element("theme").addEventListener("click", () => {
    theme = theme === "dark" ? "light" : "dark";
    showTheme();
    redraw();
  });
}

function addToggle(box, of, what) {
  box.checked = of[what];
  box.addEventListener("change", () => {
    of[what] = box.checked;
    redraw();
  });
}

function addLayer(layer, number) {
  const box = make("input", { type: "checkbox", id: `layer${number}` });
  const stroke = make("span", { className: "stroke" });
  stroke.style.height = `${Math.max(1, edgeWidth(number, 1) * 1.6)}px`;
  element("layers").append(make("label", {}, box, stroke, ` layer ${number}: ${layer.op}, ${grouped(layer.units)} units`));
  addToggle(box, shown.layers, number);
}

function showTheme() {
  document.documentElement.dataset.theme = theme;
  for (const [name, colour] of Object.entries(colours())) {
    document.documentElement.style.setProperty(`--${name}`, colour);
  }
  showLegend();
}

function showLegend() {
  const { kind, names, used, [theme]: palette } = about.paints[paint];
  const legend = element("legend");
  legend.replaceChildren();
  if (kind === "nothing") return;
  if (kind === "scale") {
    const bar = make("span", { className: "scale" });
    bar.style.background = `linear-gradient(to right, ${palette.join(", ")})`;
    const ends = make("span", { className: "ends" }, ...names.map((name) => make("span", { textContent: name })));
    return legend.append(bar, ends);
  }
  names.forEach((name, number) => {
    if (!used[number]) return;
    const swatch = make("span", { className: "swatch" });
    swatch.style.background = palette[number];
    legend.append(make("span", {}, swatch, name));
  });
}

function list(entries) {
  const children = entries.flatMap(([name, text]) => [make("dt", { textContent: name }), make("dd", { textContent: text })]);
  return make("dl", {}, ...children);
}

const className = (number) => (classOf.has(number) ? classOf.get(number).name : String(number));

// Says what is known of the cell at a place of the plane.
function showCell(cell, [s, t]) {
  const details = element("details");
  if (cell < 0) {
    element("summary").textContent = "No region here.";
    return details.replaceChildren();
  }
  const region = regionOf(cell);
  const number = data.cellClasses ? data.cellClasses[cell] : null;
  const named = number === null ? "" : `, class ${className(number)}`;
  element("summary").textContent = `Region ${grouped(region)} of ${grouped(about.regions)}${named}`;
  Object.assign(details.dataset, { region, cell, class: number === null ? "" : number, area: data.areas[region] });
  const maps = mapsOf(region);
  const entries = [["at", `(${short(s)}, ${short(t)})`], ["area", short(data.areas[region])]];
  const parts = cellsOf(region).length;
  if (parts > 1) entries.push(["parts", `${parts}, of different classes`]);
  if (maps && maps.length === about.allOutputs) entries.push(["gradient", `norm ${short(gradientNorm(maps))}`]);
  const children = [list(entries)];
  if (maps) children.push(...describeMaps(maps, [s, t]));
  if (!maps && about.outputs.length) children.push(make("p", { textContent: "Too thin to tell its map." }));
  if (pinned >= 0 && pinned !== region) children.push(...describeDifferences(pinned, region, "Against the marked region"));
  else if (data.parents[region] !== NOTHING) {
    const parent = data.parents[region];
    children.push(...describeDifferences(parent, region, `Against region ${grouped(parent)} beside it`));
  }
  details.replaceChildren(...children, ...describeCode(region));
}

function describeMaps(maps, [s, t]) {
  const values = maps.map(({ a, b, c }) => a * s + b * t + c);
  const most = Math.max(...values);
  const order = maps.map((_, i) => i);
  if (maps.length > 12) order.sort((i, j) => values[j] - values[i]);
  const cells = (tag, texts) => texts.map((text) => make(tag, { textContent: text }));
  const head = make("tr", {}, ...cells("th", ["output", "here", "· s", "· t", "+"]));
  const rows = order.slice(0, 12).map((i) => {
    const { output, a, b, c } = maps[i];
    const row = make("tr", {}, ...cells("td", [output, short(values[i]), short(a), short(b), short(c)]));
    if (values[i] === most && maps.length > 1) row.className = "most";
    row.dataset.map = JSON.stringify([output, a, b, c]);
    return row;
  });
  const shownOf = about.allOutputs > rows.length ? `, ${rows.length} of ${grouped(about.allOutputs)}` : "";
  return [make("h2", { textContent: `Map${shownOf}` }), make("table", {}, head, ...rows)];
}

function describeDifferences(first, second, title) {
  const found = differences(first, second);
  const texts = found.slice(0, 12).map(({ layer, unit, from, to }) => `layer ${layer} unit ${unit}: ${from} → ${to}`);
  if (found.length > 12) texts.push(`and ${grouped(found.length - 12)} more`);
  const text = texts.join("; ") || "nothing differs";
  const units = found.length === 1 ? "1 unit differs" : `${grouped(found.length)} units differ`;
  const body = make("div", { textContent: text });
  body.dataset.differences = found.length;
  return [make("h2", { textContent: `${title}: ${units}` }), body];
}

function describeCode(region) {
  const pieces = piecesOf(region);
  return about.layers.flatMap((layer, number) => {
    let on = 0;
    for (const [unit, piece] of pieces) {
      if (piece && unit >= layer.firstUnit && unit < layer.firstUnit + layer.units) on++;
    }
    const title = layer.pieces === 2 ? `${grouped(on)} of ${grouped(layer.units)} units on` : `${grouped(on)} units not at piece 0`;
    const code = make("code", { textContent: hexOf(pieces, layer) });
    code.title = "hexadecimal; unit 0 in the low bits of the first byte";
    return [make("h2", { textContent: `Code of layer ${number}: ${title}` }), code];
  });
}
