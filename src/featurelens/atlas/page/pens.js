// Two pens with the same strokes: one draws on a canvas, the other makes an SVG.

class CanvasPen {
  constructor(canvas, width, height, scale = Math.min(window.devicePixelRatio || 1, 2)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    this.context = canvas.getContext("2d");
    this.context.scale(scale, scale);
    this.width = width;
    this.height = height;
  }

  ground(colour) {
    this.context.fillStyle = colour;
    this.context.fillRect(0, 0, this.width, this.height);
  }

  mark(shape, x, y, size, colour) {
    const { context } = this;
    context.fillStyle = colour;
    if (shape === "square") context.fillRect(x - size, y - size, 2 * size, 2 * size);
    else {
      context.beginPath();
      if (shape === "circle") context.arc(x, y, size, 0, 2 * Math.PI);
      else corners(shape, x, y, size).forEach(([a, b], place) => (place ? context.lineTo(a, b) : context.moveTo(a, b)));
      context.fill();
    }
  }

  ring(x, y, size, colour, width) {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, size, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = colour;
    context.stroke();
  }

  box(x, y, width, height, colour) {
    this.context.fillStyle = colour;
    this.context.fillRect(x, y, width, height);
  }

  line(points, colour, width = 1) {
    const { context } = this;
    context.beginPath();
    points.forEach(([x, y], place) => (place ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }

  text(words, x, y, { colour, size = 12, anchor = "start", bold = false, halo = null }) {
    const { context } = this;
    context.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
    context.textAlign = { start: "left", middle: "center", end: "right" }[anchor];
    context.textBaseline = "alphabetic";
    if (halo) {
      context.lineJoin = "round";
      context.lineWidth = 3;
      context.strokeStyle = halo;
      context.strokeText(words, x, y);
    }
    context.fillStyle = colour;
    context.fillText(words, x, y);
  }
}

class SvgPen {
  constructor(width, height) {
    this.root = document.createElementNS(SVG, "svg");
    this.set(this.root, { width, height, viewBox: `0 0 ${width} ${height}`, "font-family": FONT });
    this.width = width;
    this.height = height;
  }

  set(node, attributes) {
    for (const [name, value] of Object.entries(attributes)) {
      node.setAttribute(name, typeof value === "number" ? Math.round(value * 100) / 100 : value);
    }
  }

  add(tag, attributes) {
    const node = document.createElementNS(SVG, tag);
    this.set(node, attributes);
    this.root.append(node);
    return node;
  }

  ground(colour) {
    this.box(0, 0, this.width, this.height, colour);
  }

  mark(shape, x, y, size, colour) {
    if (shape === "circle") this.add("circle", { cx: x, cy: y, r: size, fill: colour });
    else if (shape === "square") this.box(x - size, y - size, 2 * size, 2 * size, colour);
    else {
      const points = corners(shape, x, y, size).map(([a, b]) => `${a.toFixed(2)},${b.toFixed(2)}`).join(" ");
      this.add("polygon", { points, fill: colour });
    }
  }

  ring(x, y, size, colour, width) {
    this.add("circle", { cx: x, cy: y, r: size, fill: "none", stroke: colour, "stroke-width": width });
  }

  box(x, y, width, height, colour) {
    this.add("rect", { x, y, width, height, fill: colour });
  }

  line(points, colour, width = 1) {
    const path = points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");
    this.add("polyline", { points: path, fill: "none", stroke: colour, "stroke-width": width });
  }

  text(words, x, y, { colour, size = 12, anchor = "start", bold = false, halo = null }) {
    const node = this.add("text", { x, y, fill: colour, "font-size": size, "text-anchor": anchor });
    if (bold) node.setAttribute("font-weight", "600");
    if (halo) this.set(node, { stroke: halo, "stroke-width": 3, "paint-order": "stroke", "stroke-linejoin": "round" });
    node.textContent = words;
  }
}

const SVG = "http://www.w3.org/2000/svg";
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

function corners(shape, x, y, size) {
  const reach = 1.3 * size;
  if (shape === "triangle") return [[x, y - reach], [x + reach, y + size], [x - reach, y + size]];
  return [[x, y - reach], [x + reach, y], [x, y + reach], [x - reach, y]];
}
