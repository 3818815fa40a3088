// Pointer, wheel and keys, and how the page begins.

let drag = null;

function pointAt(place) {
  const { width, height } = plot();
  const [x, y] = [place[0] - margins.left, place[1] - margins.top];
  const at = fromScreen(place);
  const cell = x >= 0 && y >= 0 && x <= width && y <= height ? cellAt(at) : -1;
  if (cell !== hovered || cross) {
    hovered = cell;
    drawOverlay();
  }
  showCell(cell, toPlane(at));
}

const placeOf = (event) => {
  const box = picture.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

// Two fingers: how far apart, and their middle.
const fingers = new Map();
function spread() {
  const [first, second] = [...fingers.values()];
  return {
    apart: Math.hypot(first[0] - second[0], first[1] - second[1]),
    middle: [(first[0] + second[0]) / 2, (first[1] + second[1]) / 2],
  };
}

function onDown(event) {
  picture.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, placeOf(event));
  drag = { from: placeOf(event), last: placeOf(event), moved: false };
  if (fingers.size === 2) Object.assign(drag, { moved: true, pinch: spread() });
}

function onMove(event) {
  const place = placeOf(event);
  if (fingers.has(event.pointerId)) fingers.set(event.pointerId, place);
  if (!drag) {
    cross = null;
    return pointAt(place);
  }
  if (drag.pinch && fingers.size === 2) {
    const now = spread();
    zoom(now.apart / Math.max(1, drag.pinch.apart), now.middle);
    move((drag.pinch.middle[0] - now.middle[0]) / view.scale, (now.middle[1] - drag.pinch.middle[1]) / view.scale);
    drag.pinch = now;
    return;
  }
  // A hand that trembles does not move the picture.
  if (Math.hypot(place[0] - drag.from[0], place[1] - drag.from[1]) > 3) drag.moved = true;
  if (!drag.moved) return;
  move((drag.last[0] - place[0]) / view.scale, (place[1] - drag.last[1]) / view.scale);
  drag.last = place;
}

function onUp(event) {
  fingers.delete(event.pointerId);
  if (drag && !drag.moved && event.type === "pointerup") {
    pointAt(placeOf(event));
    mark();
    showCell(hovered, toPlane(fromScreen(placeOf(event))));
  }
  if (fingers.size === 0) drag = null; else drag = { from: [...fingers.values()][0], last: [...fingers.values()][0], moved: true };
}

// Marks the region that is pointed at, or lets it go if it was.
function mark() {
  const region = hovered < 0 ? -1 : regionOf(hovered);
  pinned = region === pinned ? -1 : region;
  drawOverlay();
}

function onWheel(event) {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
  zoom(Math.exp(-Math.max(-200, Math.min(200, event.deltaY * lines)) / 260), placeOf(event));
}

// Moves the cross by some pixels; the picture follows at its rim.
function moveCross(x, y) {
  const { width, height } = plot();
  const middle = [margins.left + width / 2, margins.top + height / 2];
  const [px, py] = cross ? toScreen(cross) : middle;
  const place = [px + x, py + y];
  const isOut = place[0] < margins.left || place[1] < margins.top || place[0] > margins.left + width || place[1] > margins.top + height;
  if (isOut) move(x / view.scale, -y / view.scale);
  cross = isOut ? fromScreen([px, py]) : fromScreen(place);
  pointAt(toScreen(cross));
  drawOverlay();
}

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { width, height } = plot();
  const middle = cross ? toScreen(cross) : [margins.left + width / 2, margins.top + height / 2];
  const arrow = ARROWS[event.key];
  if (arrow && event.shiftKey) move((arrow[0] * width) / 8 / view.scale, (-arrow[1] * height) / 8 / view.scale);
  else if (arrow) moveCross(arrow[0] * 8, arrow[1] * 8);
  else if (event.key === "+" || event.key === "=") zoom(1.5, middle);
  else if (event.key === "-" || event.key === "_") zoom(1 / 1.5, middle);
  else if (event.key === "0" || event.key === "Home") showWhole();
  else if (event.key === "Enter" || event.key === " ") mark();
  else if (event.key === "Escape") [pinned, cross] = [-1, null], drawOverlay();
  else return;
  event.preventDefault();
}

function listen() {
  picture.addEventListener("pointerdown", onDown);
  picture.addEventListener("pointermove", onMove);
  picture.addEventListener("pointerup", onUp);
  picture.addEventListener("pointercancel", onUp);
  picture.addEventListener("pointerleave", () => { if (!drag && !cross) { hovered = -1; drawOverlay(); } });
  picture.addEventListener("wheel", onWheel, { passive: false });
  picture.addEventListener("keydown", onKey);
  const middle = () => [margins.left + plot().width / 2, margins.top + plot().height / 2];
  element("closer").addEventListener("click", () => zoom(1.5, middle()));
  element("farther").addEventListener("click", () => zoom(1 / 1.5, middle()));
  element("whole").addEventListener("click", showWhole);
  new ResizeObserver(resize).observe(stage);
}

function unpackAll() {
  unpackVertices();
  unpackEdges();
  collectSides();
  unpackCells();
  collectBoundary();
  unpackTree();
  buildGrid();
}

// After the first picture of the page itself, so that it is seen that something is happening.
document.documentElement.dataset.state = "unpacking";
document.documentElement.dataset.theme = theme;
requestAnimationFrame(() => setTimeout(() => {
  const begin = performance.now();
  unpackAll();
  buildControls();
  showTheme();
  listen();
  resize();
  element("wait").remove();
  document.documentElement.dataset.unpacked = Math.round(performance.now() - begin);
  // For checks of a page: where in the picture a point of the plane is, and back.
  window.masoSlice = { about, place: (at) => toScreen(toWorld(at)), point: (place) => toPlane(fromScreen(place)) };
}, 0));
