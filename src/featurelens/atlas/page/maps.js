// Two maps of points: features, and cells. Each is drawn once and kept; what is chosen is laid over.

const NOWHERE = 65535;
const TURN = 6; // milliseconds that a map takes at a time while somebody may be typing

class PointMap {
  constructor(canvas, { onChoose, describe }) {
    Object.assign(this, { canvas, onChoose, describe, zoom: 1, left: 0, top: 0, near: -1 });
    this.kept = document.createElement("canvas");
    this.tip = element("div", { class: "tip", hidden: true });
    canvas.after(this.tip);
    new ResizeObserver(() => { if (this.resized()) this.draw(); }).observe(canvas);
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    canvas.addEventListener("pointerdown", (event) => { this.from = [event.offsetX, event.offsetY, this.left, this.top]; });
    canvas.addEventListener("click", (event) => this.clicked(event));
    canvas.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("dblclick", () => this.reset());
  }

  // x, y in steps; look(i) gives colour, shape and size; later ones of `order` lie above.
  show({ x, y, look, order = null, over = () => {}, label, inTurns = false }) {
    Object.assign(this, { x, y, look, order, over });
    setIfNew(this.canvas, "aria-label", label);
    this.draw(inTurns);
  }

  // The size of the canvas changed since it was drawn.
  resized() {
    const { clientWidth, clientHeight } = this.canvas;
    return Math.max(clientWidth, 50) !== this.width || Math.max(clientHeight, 50) !== this.height;
  }

  measure() {
    const { clientWidth, clientHeight } = this.canvas;
    [this.width, this.height] = [Math.max(clientWidth, 50), Math.max(clientHeight, 50)];
    this.side = (Math.min(this.width, this.height) - 24) * this.zoom;
    this.farX = this.farX || this.reach(this.x);
    this.farY = this.farY || this.reach(this.y);
  }

  reach(steps) {
    let far = 1;
    for (const step of steps) if (step !== NOWHERE && step > far) far = step;
    return far;
  }

  at(i, width = this.width, height = this.height, side = this.side) {
    const room = [width - (side * this.farX) / (NOWHERE - 1), height - (side * this.farY) / (NOWHERE - 1)];
    return [
      room[0] / 2 + this.left + (side * this.x[i]) / (NOWHERE - 1),
      height - room[1] / 2 + this.top - (side * this.y[i]) / (NOWHERE - 1),
    ];
  }

  // At once, or in turns that let a key stroke come between and are given up by stop().
  draw(inTurns = false) {
    this.stop();
    if (!this.x || !this.canvas.offsetParent) return;
    this.measure();
    const raster = new Raster(this.width, this.height, ink("map"));
    const turn = (place) => {
      const next = this.paint(raster, place, inTurns ? performance.now() + TURN : Infinity);
      if (next < this.count()) this.waiting = setTimeout(turn, 0, next);
      else {
        raster.onto(this.kept);
        this.overlay();
      }
    };
    turn(0);
  }

  stop() {
    clearTimeout(this.waiting);
  }

  count() {
    return this.order ? this.order.length : this.x.length;
  }

  // Lay down marks from a place on until a time; where to go on.
  paint(raster, from, until) {
    const count = this.count();
    for (let place = from; place < count; place += 1) {
      if (place % 256 === 255 && performance.now() > until) return place;
      const i = this.order ? this.order[place] : place;
      if (this.x[i] === NOWHERE) continue;
      const look = this.look(i);
      if (look) raster.mark(look, ...this.at(i));
    }
    return count;
  }

  overlay() {
    const pen = new CanvasPen(this.canvas, this.width, this.height);
    pen.context.drawImage(this.kept, 0, 0, this.width, this.height);
    this.over(pen, (i) => this.at(i));
  }

  nearest(px, py, within = 12) {
    let [best, found] = [within * within, -1];
    for (let i = 0; i < this.x.length; i += 1) {
      if (this.x[i] === NOWHERE || !this.look(i)) continue;
      const [ax, ay] = this.at(i);
      const far = (ax - px) ** 2 + (ay - py) ** 2;
      if (far < best) [best, found] = [far, i];
    }
    return found;
  }

  moved(event) {
    if (event.buttons && this.from) {
      const [x, y, left, top] = this.from;
      if (Math.hypot(event.offsetX - x, event.offsetY - y) > 4) {
        this.dragged = true;
        [this.left, this.top] = [left + event.offsetX - x, top + event.offsetY - y];
        this.draw();
      }
      return;
    }
    const found = this.nearest(event.offsetX, event.offsetY);
    this.tip.hidden = found < 0;
    if (found >= 0) {
      this.tip.textContent = this.describe(found);
      this.tip.style.left = `${Math.min(event.offsetX + 14, this.width - 150)}px`;
      this.tip.style.top = `${this.canvas.offsetTop + event.offsetY + 14}px`;
    }
    this.canvas.style.cursor = found < 0 ? "grab" : "pointer";
  }

  clicked(event) {
    this.from = null;
    if (this.dragged) {
      this.dragged = false;
      return;
    }
    const found = this.nearest(event.offsetX, event.offsetY);
    if (found >= 0) this.onChoose(found, event);
  }

  wheeled(event) {
    if (!event.ctrlKey && !event.shiftKey && document.activeElement !== this.canvas) return;
    event.preventDefault();
    this.scale(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.offsetX, event.offsetY);
  }

  scale(by, px = this.width / 2, py = this.height / 2) {
    const zoom = Math.min(Math.max(this.zoom * by, 1), 40);
    const real = zoom / this.zoom;
    const middle = [this.width / 2, this.height / 2];
    this.left = real * this.left + (1 - real) * (px - middle[0]);
    this.top = real * this.top + (1 - real) * (py - middle[1]);
    this.zoom = zoom;
    this.draw();
  }

  reset() {
    Object.assign(this, { zoom: 1, left: 0, top: 0 });
    this.draw();
  }

  key(event) {
    const step = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
    if (step) [this.left, this.top] = [this.left + step[0], this.top + step[1]];
    else if (event.key === "+" || event.key === "=") this.scale(1.3);
    else if (event.key === "-") this.scale(1 / 1.3);
    else if (event.key === "0" || event.key === "Escape") this.reset();
    else return;
    event.preventDefault();
    this.draw();
  }
}
