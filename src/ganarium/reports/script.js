"use strict";

// Curves of the page's data, with one cursor, in images shown, for all curves and sample grids.
// All text is inserted as text: the data are never parsed as HTML.

const page = JSON.parse(document.getElementById("data").textContent);
const slider = document.getElementById("moment");
const HEIGHT = 224, LEFT = 56, RIGHT = 12, TOP = 10, BOTTOM = 24;

function make(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function numberText(value) {
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-3 || size >= 1e6)) return Number(value.toPrecision(3)).toExponential().replace("e+", "e");
  return String(Number(value.toPrecision(4)));
}

function imagesText(images) {
  if (images >= 1e6) return `${Number((images / 1e6).toPrecision(4))}M`;
  return images >= 1e4 ? `${Number((images / 1e3).toPrecision(4))}k` : String(images);
}

// Return round numbers between two: `count` of them, or up to two and a half times as many.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].findLast((times) => times * power <= rough);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(i * step);
  return found;
}

// Return powers of ten between two; if they are few, also 2 and 5 times them.
function logarithmicTicks(low, high) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const every = Math.ceil((last - first) / 6), times = last - first > 2 ? [1] : [1, 2, 5], found = [];
  for (let i = first; i <= last; i += every) for (const each of times) found.push(each * 10 ** i);
  return found.filter((value) => value >= low && value <= high);
}

// Return the index of the last point at or before `moment`, or 0 if there is none.
function pointAt(images, moment) {
  let low = 0, high = images.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (images[middle] <= moment) low = middle; else high = middle;
  }
  return low;
}

class Chart {
  constructor(figure, { title, curves }) {
    Object.assign(this, { figure, title, curves, cursor: null });
    this.plot = figure.querySelector(".plot");
    this.note = figure.querySelector(".note");
    this.buttons = [...figure.querySelectorAll(".legend button")];
    this.svg = make("svg", { tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": page.length,
      "aria-label": `${title}, by images shown` });
    this.plot.append(this.svg);
    this.buttons.forEach((button) => button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      this.draw();
    }));
    this.svg.addEventListener("pointermove", (event) => moveTo(this.imagesAt(event)));
    this.svg.addEventListener("pointerleave", () => moveTo(null));
    this.svg.addEventListener("click", (event) => showGrids(this.imagesAt(event)));
    this.svg.addEventListener("keydown", (event) => this.step(event));
    new ResizeObserver(() => this.draw()).observe(this.plot);
  }

  get shown() {
    return this.curves.filter((curve, i) => this.buttons[i].getAttribute("aria-pressed") === "true");
  }

  imagesAt(event) {
    const { left } = this.svg.getBoundingClientRect();
    const share = (event.clientX - left - LEFT) / (this.width - LEFT - RIGHT);
    return Math.round(Math.min(1, Math.max(0, share)) * page.length);
  }

  step(event) {
    const now = this.cursor ?? page.length, stride = page.length / (event.shiftKey ? 10 : 100);
    const to = { ArrowLeft: now - stride, ArrowDown: now - stride, ArrowRight: now + stride,
      ArrowUp: now + stride, Home: 0, End: page.length }[event.key];
    if (event.key === "Escape") moveTo(null);
    if (to === undefined) return;
    event.preventDefault();
    moveTo(Math.round(Math.min(page.length, Math.max(0, to))));
  }

  // Return the lowest and the highest value on the axis, with a margin; above zero on a logarithmic scale.
  bounds(logarithmic) {
    let low = Infinity, high = -Infinity;
    for (const curve of this.shown) {
      for (const value of curve.raw) {
        if (logarithmic && value <= 0) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (low > high) return logarithmic ? [0.1, 1] : [0, 1];
    if (logarithmic) return low === high ? [low / 2, high * 2] : [low / 1.1, high * 1.1];
    const room = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
    return [low - room, high + room];
  }

  draw() {
    this.width = Math.max(200, this.plot.clientWidth);
    const logarithmic = document.getElementById("log").checked && this.shown.some((curve) => curve.raw.some((value) => value > 0));
    const [low, high] = this.bounds(logarithmic), scale = logarithmic ? Math.log10 : Number;
    const x = (images) => LEFT + (this.width - LEFT - RIGHT) * images / (page.length || 1);
    const y = (value) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (scale(value) - scale(low)) / (scale(high) - scale(low));
    this.x = x;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    this.svg.replaceChildren();
    for (const value of logarithmic ? logarithmicTicks(low, high) : ticks(low, high, 3)) {
      this.svg.append(make("line", { class: "grid", x1: LEFT, x2: this.width - RIGHT, y1: y(value), y2: y(value) }));
      this.svg.append(make("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, numberText(value)));
    }
    for (const images of ticks(0, page.length || 1, this.width / 140)) {
      const anchor = x(images) > this.width - 24 ? "end" : "middle";
      this.svg.append(make("text", { x: x(images), y: HEIGHT - 6, "text-anchor": anchor }, imagesText(images)));
    }
    for (const { name, images } of page.stages) {
      this.svg.append(make("line", { class: "mark", x1: x(images), x2: x(images), y1: TOP, y2: HEIGHT - BOTTOM }));
      this.svg.append(make("text", { x: x(images) + 4, y: TOP + 10 }, name));
    }
    for (const kind of ["raw", "smooth"]) {
      for (const curve of this.shown) this.svg.append(...this.lines(curve, kind, x, y, logarithmic));
    }
    this.line = make("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM });
    this.svg.append(this.line);
    const hidden = logarithmic && this.shown.some((curve) => curve.raw.some((value) => value <= 0));
    const none = document.getElementById("log").checked && !logarithmic;
    this.note.hidden = !hidden && !none;
    this.note.textContent = none ? "No value is above zero: the scale is linear." : "Values at or below zero are left out.";
    this.point(this.cursor);
  }

  // Return a curve as paths, interrupted where a logarithmic scale cannot show its values.
  lines(curve, kind, x, y, logarithmic) {
    const stretches = [[]];
    curve[kind].forEach((value, i) => {
      if (logarithmic && value <= 0) stretches.push([]);
      else stretches.at(-1).push(`${x(curve.images[i]).toFixed(1)} ${y(value).toFixed(1)}`);
    });
    return stretches.filter((stretch) => stretch.length).map((stretch) => {
      const points = stretch.length > 1 ? stretch.join("L") : `${stretch[0]}h0.1`;
      return make("path", { class: `${kind} color-${curve.color}`, d: `M${points}`, "stroke-linecap": stretch.length > 1 ? "butt" : "round" });
    });
  }

  point(moment) {
    this.cursor = moment;
    if (!this.line) return;
    this.line.setAttribute("visibility", moment === null ? "hidden" : "visible");
    if (moment !== null) for (const end of ["x1", "x2"]) this.line.setAttribute(end, this.x(moment));
    const texts = this.curves.map((curve, i) => {
      const at = moment === null ? curve.raw.length - 1 : pointAt(curve.images, moment);
      const raw = numberText(curve.raw[at]), smooth = numberText(curve.smooth[at]);
      this.buttons[i].querySelector("output").textContent = moment === null ? raw : `${raw} (smooth ${smooth})`;
      return `${curve.name} ${raw}`;
    });
    const images = moment ?? page.length;
    this.svg.setAttribute("aria-valuenow", images);
    this.svg.setAttribute("aria-valuetext", `${images.toLocaleString("en-US")} images: ${texts.join(", ")}`);
  }
}

const charts = [...document.querySelectorAll(".chart")].map((figure) => new Chart(figure, page.charts[figure.dataset.chart]));

function moveTo(moment) {
  for (const chart of charts) chart.point(moment);
}

// Show the newest grid of each stack up to `moment`, and its number of images in the caption.
function showGrids(moment) {
  if (!slider) return;
  const at = pointAt(page.moments, moment), now = page.moments[at];
  slider.value = at;
  const text = now.toLocaleString("en-US");
  slider.setAttribute("aria-valuetext", text);
  document.querySelector('output[for="moment"]').textContent = text;
  for (const stack of document.querySelectorAll(".stack")) {
    const grids = [...stack.children], caption = stack.parentElement.querySelector(".moment");
    if (!caption) continue;
    const shown = grids[pointAt(grids.map((grid) => Number(grid.dataset.images)), now)];
    for (const grid of grids) grid.hidden = grid !== shown;
    caption.textContent = Number(shown.dataset.images).toLocaleString("en-US");
  }
}

document.getElementById("log").addEventListener("change", () => charts.forEach((chart) => chart.draw()));
slider?.addEventListener("input", () => {
  showGrids(page.moments[slider.value]);
  moveTo(page.moments[slider.value]);
});
slider?.addEventListener("blur", () => moveTo(null));
