// Drawing: cells into pixels, lines over them, in short stretches of time so that the page always answers. While a
// new picture is on its way, the last one is shown moved and stretched.

const stage = document.getElementById("stage");
const picture = document.getElementById("picture");
const overlay = document.getElementById("overlay");
const margins = { left: 66, right: 18, top: 46, bottom: 72 };
const SLICE = 14;

const shown = { layers: about.layers.map(() => true), boundary: true, points: true, labels: true };
const view = { x: 0.5, y: tall / 2, scale: 1 };
let theme = about.theme;
let paint = about.paints.findIndex((paint) => paint.first);
let size = { width: 1, height: 1, ratio: 1 };
// The last picture that is whole, and where it looks.
let front = null;
let job = null;
let isStale = false;
let hovered = -1;
let pinned = -1;
let cross = null;

const colours = () => about.themes[theme];
const plot = () => ({
  width: Math.max(1, size.width - margins.left - margins.right),
  height: Math.max(1, size.height - margins.top - margins.bottom),
});

function toScreen([x, y]) {
  const { width, height } = plot();
  return [margins.left + width / 2 + (x - view.x) * view.scale, margins.top + height / 2 - (y - view.y) * view.scale];
}

function fromScreen([x, y]) {
  const { width, height } = plot();
  return [view.x + (x - margins.left - width / 2) / view.scale, view.y - (y - margins.top - height / 2) / view.scale];
}

function wholeScale() {
  const { width, height } = plot();
  return Math.min(width, height / tall);
}

function showWhole() {
  Object.assign(view, { x: 0.5, y: tall / 2, scale: wholeScale() });
  changed();
}

// Zooms so that what is at a place of the screen stays there.
function zoom(factor, at) {
  const before = fromScreen(at);
  view.scale = Math.max(wholeScale() / 4, Math.min(wholeScale() * 2e6, view.scale * factor));
  const after = fromScreen(at);
  move(before[0] - after[0], before[1] - after[1]);
}

function move(x, y) {
  view.x = Math.max(-0.5, Math.min(1.5, view.x + x));
  view.y = Math.max(-tall / 2, Math.min(1.5 * tall, view.y + y));
  changed();
}

function resize() {
  const before = front ? wholeScale() : 0;
  size = { width: stage.clientWidth, height: stage.clientHeight, ratio: window.devicePixelRatio || 1 };
  for (const canvas of [picture, overlay]) {
    canvas.width = Math.round(size.width * size.ratio);
    canvas.height = Math.round(size.height * size.ratio);
  }
  if (before) view.scale *= wholeScale() / before; else view.scale = wholeScale();
  changed();
}

// The view is another: show the last picture there, and make a new one.
function changed() {
  isStale = true;
  compose();
  if (!job) start();
}

// What is shown is another: whatever is being drawn is not wanted any more.
function redraw() {
  job = null;
  changed();
}

function start() {
  isStale = false;
  document.documentElement.dataset.state = "drawing";
  job = render({ ...view }, { ...plot() }, size.ratio);
  requestAnimationFrame(go);
}

function go() {
  const current = job;
  const end = performance.now() + SLICE;
  while (job === current && current && performance.now() < end) {
    const step = current.next();
    if (!step.done) continue;
    front = step.value;
    job = null;
    compose();
    if (isStale) return start();
    document.documentElement.dataset.state = "ready";
    return;
  }
  if (job) requestAnimationFrame(go);
}

// Draws all there is; gives the thread back every now and then.
function* render(at, { width, height }, ratio) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  const context = canvas.getContext("2d");
  const scale = at.scale * ratio;
  const left = canvas.width / 2 - at.x * scale, top = canvas.height / 2 + at.y * scale;
  const frame = { canvas, context, scale, left, top, ratio, at };
  yield* drawCells(frame);
  yield* drawWalls(frame);
  drawWindow(frame);
  if (shown.boundary) drawBoundary(frame);
  if (shown.points && about.cells > 0) drawPoints(frame);
  return frame;
}

// The cells that a picture shows.
function visibleCells({ canvas, scale, left, top }) {
  const side = data.gridSide;
  const bins = [-left / scale, (canvas.width - left) / scale].map((x) => bin(x, side));
  const rows = [(top - canvas.height) / (scale * tall), top / (scale * tall)].map((y) => bin(y, side));
  if (bins[0] === 0 && rows[0] === 0 && bins[1] === side - 1 && rows[1] === side - 1) return null;
  const seen = new Set();
  for (let y = rows[0]; y <= rows[1]; y++) {
    const from = data.binFirst[y * side + bins[0]], to = data.binFirst[y * side + bins[1] + 1];
    for (let i = from; i < to; i++) seen.add(data.binCells[i]);
  }
  return Uint32Array.from(seen);
}

const packedColour = (hex) => {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
};

function* drawCells(frame) {
  const { canvas, context } = frame;
  const image = context.createImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  pixels.fill(packedColour(colours().paper));
  const palette = about.paints[paint][theme].map(packedColour);
  const numbers = data.paints[paint];
  const cells = visibleCells(frame);
  const count = cells ? cells.length : about.cells;
  frame.count = count;
  const ends = [new Float64Array(canvas.height), new Float64Array(canvas.height)];
  for (let i = 0; i < count; i++) {
    const cell = cells ? cells[i] : i;
    fillCell(frame, pixels, ends, cell, palette[numbers ? numbers[cell] : 0]);
    if ((i & 2047) === 2047) yield;
  }
  context.putImageData(image, 0, 0);
}

// A convex cell, row by row. A pixel is the cell's if its middle is; where edges cross a row is computed once for
// both cells, so that there is neither gap nor overlap.
function fillCell({ canvas, scale, left, top }, pixels, [starts, ends], cell, colour) {
  const { width, height } = canvas;
  const { edgeEnds, places, cellSides, cellFirst } = data;
  let low = Infinity, high = -Infinity;
  for (let i = cellFirst[cell]; i < cellFirst[cell + 1]; i++) {
    const y = top - places[2 * edgeEnds[cellSides[i]] + 1] * scale;
    if (y < low) low = y;
    if (y > high) high = y;
  }
  const first = Math.max(0, Math.ceil(low - 0.5)), last = Math.min(height, Math.ceil(high - 0.5)) - 1;
  if (first > last) return;
  starts.fill(Infinity, first, last + 1);
  ends.fill(-Infinity, first, last + 1);
  for (let i = cellFirst[cell]; i < cellFirst[cell + 1]; i++) {
    const edge = cellSides[i] & ~1;
    const from = edgeEnds[edge], to = edgeEnds[edge + 1];
    const y0 = top - places[2 * from + 1] * scale, y1 = top - places[2 * to + 1] * scale;
    if (y0 === y1) continue;
    const x0 = left + places[2 * from] * scale, x1 = left + places[2 * to] * scale;
    const slope = (x1 - x0) / (y1 - y0);
    const begin = Math.max(first, Math.ceil(Math.min(y0, y1) - 0.5));
    const stop = Math.min(last, Math.ceil(Math.max(y0, y1) - 0.5) - 1);
    for (let row = begin; row <= stop; row++) {
      const x = x0 + (row + 0.5 - y0) * slope;
      if (x < starts[row]) starts[row] = x;
      if (x > ends[row]) ends[row] = x;
    }
  }
  for (let row = first; row <= last; row++) {
    const begin = Math.max(0, Math.ceil(starts[row] - 0.5)), stop = Math.min(width, Math.ceil(ends[row] - 0.5));
    for (let at = row * width + begin; at < row * width + stop; at++) pixels[at] = colour;
  }
}

// How heavy lines may be, from 0 to 1: the smaller the cells on the screen, the lighter.
function weightOf({ canvas, count, ratio }) {
  const side = Math.sqrt((canvas.width * canvas.height) / Math.max(1, count)) / ratio;
  return Math.max(0, Math.min(1, side / 16));
}

function edgeWidth(layer, weight) {
  const depth = layer / Math.max(1, about.layers.length - 1);
  return (0.14 + 0.86 * weight) * (1.5 - depth);
}

const isDarkToLight = () => ["scale", "steps"].includes(about.paints[paint].kind);

function layerOf(wall) {
  if (wall >= TARGET) return -1;
  return about.layers.findLastIndex((layer) => layer.firstUnit <= wall);
}

// Each layer's walls, the deepest first.
function* drawWalls(frame) {
  const { context, ratio } = frame;
  const weight = weightOf(frame);
  context.strokeStyle = isDarkToLight() ? colours().paper : colours().ink;
  context.globalAlpha = 0.36 + 0.38 * weight;
  context.lineJoin = "round";
  const chains = about.layers.map(() => []);
  data.chainWalls.forEach((wall, chain) => { if (wall < TARGET) chains[layerOf(wall)].push(chain); });
  for (let layer = about.layers.length - 1; layer >= 0; layer--) {
    if (!shown.layers[layer]) continue;
    context.lineWidth = edgeWidth(layer, weight) * ratio;
    let points = 0;
    context.beginPath();
    for (const chain of chains[layer]) {
      points += traceChain(frame, chain);
      if (points < 1500) continue;
      context.stroke();
      context.beginPath();
      points = 0;
      yield;
    }
    context.stroke();
    yield;
  }
  context.globalAlpha = 1;
}

// Adds a chain's part on the screen to the path, with the points that its shape needs at this size.
function traceChain({ canvas, context, scale, left, top }, chain) {
  const finest = -4 * Math.log2(0.2 / scale);
  const from = data.chainFirst[chain] + chain, to = data.chainFirst[chain + 1] + chain;
  let x0 = 0, y0 = 0, isDown = false, points = 0;
  for (let i = from; i <= to; i++) {
    if (data.chainLevels[i] > finest && i !== from && i !== to) continue;
    const vertex = data.chainVertices[i];
    const x = left + data.places[2 * vertex] * scale, y = top - data.places[2 * vertex + 1] * scale;
    const isOut = i === from || Math.max(x, x0) < 0 || Math.min(x, x0) > canvas.width
      || Math.max(y, y0) < 0 || Math.min(y, y0) > canvas.height;
    if (!isOut) {
      if (!isDown) context.moveTo(x0, y0);
      context.lineTo(x, y);
      points++;
    }
    [x0, y0, isDown] = [x, y, !isOut];
  }
  return points;
}

// The rim of what was looked at.
function drawWindow({ context, scale, left, top, ratio }) {
  context.beginPath();
  for (const corner of about.corners) {
    const [x, y] = toWorld(corner);
    context.lineTo(left + x * scale, top - y * scale);
  }
  context.closePath();
  [context.strokeStyle, context.lineWidth] = [colours().faint, ratio];
  context.stroke();
}

function drawBoundary({ canvas, context, scale, left, top, ratio }) {
  context.beginPath();
  for (const edge of data.boundary) {
    const [from, to] = [data.edgeEnds[2 * edge], data.edgeEnds[2 * edge + 1]];
    const x0 = left + data.places[2 * from] * scale, y0 = top - data.places[2 * from + 1] * scale;
    const x1 = left + data.places[2 * to] * scale, y1 = top - data.places[2 * to + 1] * scale;
    if (Math.max(x0, x1) < 0 || Math.min(x0, x1) > canvas.width) continue;
    if (Math.max(y0, y1) < 0 || Math.min(y0, y1) > canvas.height) continue;
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
  }
  context.lineCap = "round";
  for (const [colour, width] of [[colours().paper, 4.6], [colours().ink, 2.2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width * ratio;
    context.stroke();
  }
  context.lineCap = "butt";
}

const classOf = new Map(about.classes.map((one) => [one.class, one]));

function drawPoints(frame) {
  const { canvas, context, scale, left, top, ratio } = frame;
  const radius = Math.max(2.4, Math.min(5, 40 / Math.sqrt(about.points.length))) * ratio;
  const taken = [];
  context.lineWidth = 0.8 * ratio;
  context.strokeStyle = colours().rim;
  for (const [s, t, number, label] of about.points) {
    const [x, y] = toWorld([s, t]);
    const [px, py] = [left + x * scale, top - y * scale];
    if (x < 0 || x > 1 || y < 0 || y > tall) continue;
    if (px < -radius || py < -radius || px > canvas.width + radius || py > canvas.height + radius) continue;
    context.fillStyle = classOf.has(number) ? classOf.get(number)[theme] : colours().ink;
    context.beginPath();
    context.arc(px, py, radius, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
    taken.push({ box: [px - radius, py - radius, px + radius, py + radius], label });
  }
  if (shown.labels) drawLabels(frame, taken, radius);
}

// Labels where there is room; no more than can be read.
function drawLabels({ context, canvas, ratio }, points, radius) {
  const height = 13 * ratio, gap = radius + 3 * ratio;
  const taken = points.map((point) => point.box);
  let drawn = 0;
  context.font = `${11 * ratio}px "DejaVu Sans", Verdana, Arial, sans-serif`;
  [context.lineWidth, context.strokeStyle, context.fillStyle] = [3 * ratio, colours().paper, colours().ink];
  for (const { box, label } of points) {
    if (!label || drawn >= 60) continue;
    const [x, y, width] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, context.measureText(label).width];
    const corners = [[x + gap, y - height / 2], [x - gap - width, y - height / 2],
      [x - width / 2, y - gap - height], [x - width / 2, y + gap]];
    const free = corners.map(([a, b]) => [a, b, a + width, b + height]).find((box) =>
      box[0] > 0 && box[1] > 0 && box[2] < canvas.width && box[3] < canvas.height
      && taken.every((old) => box[0] > old[2] || old[0] > box[2] || box[1] > old[3] || old[1] > box[3]));
    if (!free) continue;
    taken.push(free);
    drawn++;
    context.strokeText(label, free[0], free[3] - 3 * ratio);
    context.fillText(label, free[0], free[3] - 3 * ratio);
  }
}

// Shows the last picture where the view is now, with axes and marks.
function compose() {
  const context = picture.getContext("2d");
  const { width, height } = plot();
  context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
  context.fillStyle = colours().paper;
  context.fillRect(0, 0, size.width, size.height);
  if (front) {
    context.save();
    context.beginPath();
    context.rect(margins.left, margins.top, width, height);
    context.clip();
    const zoom = view.scale / front.at.scale;
    const [x, y] = toScreen([front.at.x, front.at.y]);
    const [w, h] = [(front.canvas.width / front.ratio) * zoom, (front.canvas.height / front.ratio) * zoom];
    context.imageSmoothingEnabled = zoom !== 1;
    context.drawImage(front.canvas, x - w / 2, y - h / 2, w, h);
    context.restore();
  }
  drawOverlay();
}

function drawOverlay() {
  const context = overlay.getContext("2d");
  const { width, height } = plot();
  context.setTransform(size.ratio, 0, 0, size.ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  drawAxes(context);
  context.save();
  context.beginPath();
  context.rect(margins.left, margins.top, width, height);
  context.clip();
  if (pinned >= 0) outline(context, pinned, [5, 2.4], [8, 5]);
  if (hovered >= 0) outline(context, regionOf(hovered), [5, 2.4], []);
  if (cross) drawCross(context);
  context.restore();
}

// A line around a region.
function outline(context, region, [halo, width], dash) {
  context.beginPath();
  for (const cell of cellsOf(region)) {
    for (const side of sidesOf(cell)) {
      const across = data.edgeCells[side ^ 1];
      if (across !== NOTHING && regionOf(across) === region) continue;
      for (const [end, draw] of [[side, "moveTo"], [side ^ 1, "lineTo"]]) {
        const vertex = data.edgeEnds[end];
        context[draw](...toScreen([data.places[2 * vertex], data.places[2 * vertex + 1]]));
      }
    }
  }
  context.lineCap = "round";
  [context.strokeStyle, context.lineWidth] = [colours().paper, halo];
  context.setLineDash([]);
  context.stroke();
  [context.strokeStyle, context.lineWidth] = ["#d55e00", width];
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

function drawCross(context) {
  const [x, y] = toScreen(cross);
  context.beginPath();
  for (const [a, b] of [[3, 11], [-3, -11]]) {
    context.moveTo(x + a, y);
    context.lineTo(x + b, y);
    context.moveTo(x, y + a);
    context.lineTo(x, y + b);
  }
  for (const [colour, width] of [[colours().paper, 4], [colours().ink, 1.6]]) {
    [context.strokeStyle, context.lineWidth] = [colour, width];
    context.stroke();
  }
}

// Round numbers between two, about as many as asked for.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i <= high / step + 1e-9 && found.length < 100; i++) found.push(i * step);
  const places = Math.max(0, Math.min(15, -Math.floor(Math.log10(step) + 1e-9)));
  return { step, found, text: (x) => x.toFixed(places).replace("-", "−").replace(/^−(0\.?0*)$/, "$1") };
}

function drawAxes(context) {
  const { width, height } = plot();
  const { left, top } = margins;
  context.font = '11px "DejaVu Sans", Verdana, Arial, sans-serif';
  [context.strokeStyle, context.lineWidth] = [colours().faint, 1];
  context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1);
  const low = toPlane(fromScreen([left, top + height])), high = toPlane(fromScreen([left + width, top]));
  const across = ticks(low[0], high[0], Math.max(2, width / 90)), up = ticks(low[1], high[1], Math.max(2, height / 60));
  context.fillStyle = colours().ink;
  context.beginPath();
  context.textAlign = "center";
  for (const s of across.found) {
    const [x] = toScreen(toWorld([s, tLow]));
    context.moveTo(x, top + height);
    context.lineTo(x, top + height + 5);
    context.fillText(across.text(s), x, top + height + 18);
  }
  context.textAlign = "right";
  for (const t of up.found) {
    const [, y] = toScreen(toWorld([sLow, t]));
    context.moveTo(left, y);
    context.lineTo(left - 5, y);
    context.fillText(up.text(t), left - 8, y + 4, left - 26);
  }
  context.stroke();
  context.textAlign = "center";
  context.font = context.font.replace("11px", "12px");
  context.fillText(about.axes[0], left + width / 2, top + height + 38);
  context.save();
  context.translate(16, top + height / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(about.axes[1], 0, 0);
  context.restore();
  drawScaleBar(context);
}

// A length of the input space along the first axis.
function drawScaleBar(context) {
  const { width, height } = plot();
  const perLength = view.scale / ((sHigh - sLow) * Math.sqrt(uu));
  const { step, text } = ticks(0, 70 / perLength, 1);
  const right = margins.left + width, left = right - step * perLength, y = margins.top + height + 58;
  context.beginPath();
  for (const [x, low, high] of [[left, -4, 4], [right, -4, 4]]) {
    context.moveTo(x, y + low);
    context.lineTo(x, y + high);
  }
  context.moveTo(left, y);
  context.lineTo(right, y);
  context.stroke();
  context.textAlign = "right";
  context.font = context.font.replace("12px", "11px");
  if (width > 420) context.fillText(`distance ${text(step)} in input space`, left - 8, y + 4);
}
