// What the page holds, unpacked: cells, edges in chains, codes along a tree, outputs at vertices.

const about = JSON.parse(document.getElementById("aboutData").textContent);
const NOTHING = 0xffffffff;
const WINDOW = 0xffffffff;
const TARGET = 0xfffffffe;
const FINEST = 0xffffffff;

function fromBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

// The numbers of an element, which then goes.
function unpack(id) {
  const element = document.getElementById(id);
  if (!element) return null;
  const kind = { u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, f32: Float32Array }[element.dataset.kind];
  const bytes = fromBase64(element.textContent);
  element.remove();
  return new kind(bytes.buffer, bytes.byteOffset, bytes.byteLength / kind.BYTES_PER_ELEMENT);
}

const data = {};

// The picture's own coordinates: the window is 1 wide, and lengths along both axes are as the input space has them.
const [[sLow, sHigh], [tLow, tHigh]] = about.bounds;
const [uu, uv, vv] = about.gram;
const tall = Math.min(8, Math.max(1 / 8, ((tHigh - tLow) * Math.sqrt(vv)) / ((sHigh - sLow) * Math.sqrt(uu))));
const toWorld = ([s, t]) => [(s - sLow) / (sHigh - sLow), ((t - tLow) / (tHigh - tLow)) * tall];
const toPlane = ([x, y]) => [sLow + x * (sHigh - sLow), tLow + (y / tall) * (tHigh - tLow)];

function starts(counts) {
  const first = new Uint32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) first[i + 1] = first[i] + counts[i];
  return first;
}

function unpackVertices() {
  const fixed = unpack("vertices");
  data.places = new Float64Array(fixed.length);
  for (let i = 0; i < fixed.length; i++) data.places[i] = (fixed[i] / FINEST) * (i & 1 ? tall : 1);
}

function unpackEdges() {
  data.chainWalls = unpack("chainWalls");
  data.chainFirst = starts(unpack("chainLengths"));
  data.chainVertices = unpack("chainVertices");
  data.chainLevels = unpack("chainLevels");
  data.edgeCells = unpack("edgeCells");
  const edges = data.edgeCells.length / 2;
  data.edgeEnds = new Uint32Array(2 * edges);
  for (let chain = 0; chain < data.chainWalls.length; chain++) {
    for (let edge = data.chainFirst[chain]; edge < data.chainFirst[chain + 1]; edge++) {
      // Each chain has one vertex more than edges.
      data.edgeEnds[2 * edge] = data.chainVertices[edge + chain];
      data.edgeEnds[2 * edge + 1] = data.chainVertices[edge + chain + 1];
    }
  }
}

// For each cell its edges: twice the number, plus one where the cell is on the right.
function collectSides() {
  const counts = new Uint32Array(about.cells);
  for (const cell of data.edgeCells) if (cell !== NOTHING) counts[cell]++;
  data.cellFirst = starts(counts);
  data.cellSides = new Uint32Array(data.cellFirst[about.cells]);
  const next = data.cellFirst.slice();
  data.edgeCells.forEach((cell, side) => {
    if (cell !== NOTHING) data.cellSides[next[cell]++] = side;
  });
}

function unpackCells() {
  data.cellRegions = unpack("cellRegions");
  data.cellClasses = unpack("cellClasses");
  data.areas = unpack("areas");
  const counts = new Uint32Array(about.regions);
  for (let cell = 0; cell < about.cells; cell++) counts[regionOf(cell)]++;
  data.regionFirst = starts(counts);
  data.regionCells = new Uint32Array(about.cells);
  const next = data.regionFirst.slice();
  for (let cell = 0; cell < about.cells; cell++) data.regionCells[next[regionOf(cell)]++] = cell;
}

const regionOf = (cell) => (data.cellRegions ? data.cellRegions[cell] : cell);
const cellsOf = (region) => data.regionCells.subarray(data.regionFirst[region], data.regionFirst[region + 1]);
const sidesOf = (cell) => data.cellSides.subarray(data.cellFirst[cell], data.cellFirst[cell + 1]);

function collectBoundary() {
  const found = [];
  for (let edge = 0; data.cellClasses && edge < data.edgeCells.length / 2; edge++) {
    const left = data.edgeCells[2 * edge], right = data.edgeCells[2 * edge + 1];
    if (left === NOTHING || right === NOTHING) continue;
    if (data.cellClasses[left] !== data.cellClasses[right]) found.push(edge);
  }
  data.boundary = Uint32Array.from(found);
}

function unpackTree() {
  data.parents = unpack("parents");
  data.flipFirst = starts(unpack("flipCounts"));
  data.flips = unpack("flips");
  data.mostPieces = unpack("mostPieces")[0];
  data.values = unpack("values");
  data.paints = about.paints.map((paint) => unpack(paint.id));
}

// Bins over the window, each with the cells whose boxes touch it.
function buildGrid() {
  data.boxes = new Float32Array(4 * about.cells);
  for (let cell = 0; cell < about.cells; cell++) measure(cell);
  let side = Math.max(1, Math.min(1024, Math.ceil(Math.sqrt(about.cells))));
  // Long cells are in many bins; fewer bins hold them in less room.
  while (side > 1 && countEntries(side) > 12e6) side = Math.ceil(side / 2);
  const counts = new Uint32Array(side * side);
  eachEntry(side, (bin) => counts[bin]++);
  data.gridSide = side;
  data.binFirst = starts(counts);
  data.binCells = new Uint32Array(data.binFirst[side * side]);
  const next = data.binFirst.slice();
  eachEntry(side, (bin, cell) => { data.binCells[next[bin]++] = cell; });
}

function measure(cell) {
  let left = Infinity, right = -Infinity, low = Infinity, high = -Infinity;
  for (const side of sidesOf(cell)) {
    const vertex = data.edgeEnds[side];
    const x = data.places[2 * vertex], y = data.places[2 * vertex + 1];
    if (x < left) left = x;
    if (x > right) right = x;
    if (y < low) low = y;
    if (y > high) high = y;
  }
  // Room for the rounding to 32 bits.
  data.boxes.set([left - 1e-6, right + 1e-6, low - 1e-6, high + 1e-6], 4 * cell);
}

const bin = (share, side) => Math.max(0, Math.min(side - 1, Math.floor(share * side)));

function binsOf(cell, side) {
  const [left, right, low, high] = data.boxes.subarray(4 * cell, 4 * cell + 4);
  return [bin(left, side), bin(right, side), bin(low / tall, side), bin(high / tall, side)];
}

function countEntries(side) {
  let count = 0;
  for (let cell = 0; cell < about.cells; cell++) {
    const [left, right, low, high] = binsOf(cell, side);
    count += (right - left + 1) * (high - low + 1);
  }
  return count;
}

function eachEntry(side, visit) {
  for (let cell = 0; cell < about.cells; cell++) {
    const [left, right, low, high] = binsOf(cell, side);
    for (let y = low; y <= high; y++) for (let x = left; x <= right; x++) visit(y * side + x, cell);
  }
}

// How far a point is inside of a cell: the least distance from its sides, below 0 outside.
function depthIn(cell, x, y) {
  let least = Infinity;
  for (const side of sidesOf(cell)) {
    const from = data.edgeEnds[side], to = data.edgeEnds[side ^ 1];
    const x0 = data.places[2 * from], y0 = data.places[2 * from + 1];
    const along = data.places[2 * to] - x0, up = data.places[2 * to + 1] - y0;
    const length = Math.hypot(along, up);
    if (length > 0) least = Math.min(least, (along * (y - y0) - up * (x - x0)) / length);
  }
  return least;
}

// The cell at a place, or -1.
function cellAt([x, y]) {
  if (!(x >= 0 && x <= 1 && y >= 0 && y <= tall) || about.cells === 0) return -1;
  const at = bin(y / tall, data.gridSide) * data.gridSide + bin(x, data.gridSide);
  let best = -1, most = -1e-9;
  for (let i = data.binFirst[at]; i < data.binFirst[at + 1]; i++) {
    const depth = depthIn(data.binCells[i], x, y);
    if (depth > most) [best, most] = [data.binCells[i], depth];
  }
  return best;
}

// The pieces of a region that are not 0, by unit: the nearest difference on the way to the root counts.
function piecesOf(region) {
  const pieces = new Map();
  for (let at = region; at !== NOTHING; at = data.parents[at]) {
    for (let i = data.flipFirst[at]; i < data.flipFirst[at + 1]; i++) {
      const unit = Math.floor(data.flips[i] / data.mostPieces);
      if (!pieces.has(unit)) pieces.set(unit, data.flips[i] % data.mostPieces);
    }
  }
  return pieces;
}

// A layer's part of a code as bytes in hexadecimal, the first unit in the low bits of the first byte.
function hexOf(pieces, layer) {
  const bytes = new Uint8Array(Math.ceil((layer.units * layer.unitBits) / 8));
  for (let unit = 0; unit < layer.units; unit++) {
    const piece = pieces.get(layer.firstUnit + unit) || 0;
    for (let i = 0; i < layer.unitBits; i++) {
      const at = unit * layer.unitBits + i;
      bytes[at >> 3] |= ((piece >> i) & 1) << (at & 7);
    }
  }
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// What differs between two regions: layer, unit, both pieces.
function differences(first, second) {
  const [before, after] = [piecesOf(first), piecesOf(second)];
  const found = [];
  about.layers.forEach((layer, number) => {
    for (let unit = 0; unit < layer.units; unit++) {
      const at = layer.firstUnit + unit;
      const [from, to] = [before.get(at) || 0, after.get(at) || 0];
      if (from !== to) found.push({ layer: number, unit, from, to });
    }
  });
  return found;
}

// A region's map a·s + b·t + c of each output kept, fitted to the outputs at its corners.
function mapsOf(region) {
  if (!data.values || !data.values.length) return null;
  const corners = new Set();
  for (const cell of cellsOf(region)) for (const side of sidesOf(cell)) corners.add(data.edgeEnds[side]);
  const places = Array.from(corners, (at) => toPlane([data.places[2 * at], data.places[2 * at + 1]]));
  const mean = [0, 1].map((axis) => places.reduce((sum, at) => sum + at[axis], 0) / places.length);
  const from = places.map(([s, t]) => [s - mean[0], t - mean[1]]);
  const sum = (f) => from.reduce((total, at, i) => total + f(at, i), 0);
  const [ss, st, tt] = [sum(([s]) => s * s), sum(([s, t]) => s * t), sum(([, t]) => t * t)];
  const determinant = ss * tt - st * st;
  if (!(determinant > 1e-14 * ss * tt)) return null;
  const vertices = data.places.length / 2;
  const all = Array.from(corners);
  return about.outputs.map(({ output, low, high }, k) => {
    const values = all.map((at) => low + (data.values[k * vertices + at] / FINEST) * (high - low));
    const middle = values.reduce((total, value) => total + value, 0) / values.length;
    const [sv, tv] = [sum(([s], i) => s * (values[i] - middle)), sum(([, t], i) => t * (values[i] - middle))];
    const a = (sv * tt - tv * st) / determinant, b = (tv * ss - sv * st) / determinant;
    return { output, a, b, c: middle - a * mean[0] - b * mean[1] };
  });
}

// The norm along the plane of the gradient of all outputs together.
function gradientNorm(maps) {
  const square = ({ a, b }) => (a * a * vv - 2 * a * b * uv + b * b * uu) / (uu * vv - uv * uv);
  return Math.sqrt(maps.reduce((total, map) => total + Math.max(0, square(map)), 0));
}
