// Points of a map, pixel by pixel: of each shape a few small masks are made, which say how much of
// a pixel it covers, and thousands of marks are laid down as masks. Drawn as paths on a canvas they
// take ten times as long.

const PARTS = 4; // places of a mark within a pixel, and samples within a pixel, in each direction

class Raster {
  constructor(width, height, ground, scale = Math.min(window.devicePixelRatio || 1, 2)) {
    Object.assign(this, { scale, wide: Math.round(width * scale), high: Math.round(height * scale) });
    this.image = new ImageData(this.wide, this.high);
    const [red, green, blue] = rgbOf(ground);
    new Uint32Array(this.image.data.buffer).fill(((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
    this.stamps = new Map();
  }

  // One look is one object, so that its masks are made once.
  stampOf(look) {
    let found = this.stamps.get(look);
    if (!found) {
      found = { ...masksOf(look.shape, look.size * this.scale), rgb: rgbOf(look.colour) };
      this.stamps.set(look, found);
    }
    return found;
  }

  mark(look, x, y) {
    const { masks, reach, rgb } = this.stampOf(look);
    const { wide, high, image: { data } } = this;
    const [fineX, fineY] = [Math.floor(x * this.scale * PARTS), Math.floor(y * this.scale * PARTS)];
    const [left, top] = [Math.floor(fineX / PARTS) - reach, Math.floor(fineY / PARTS) - reach];
    const mask = masks[(fineY & (PARTS - 1)) * PARTS + (fineX & (PARTS - 1))];
    const side = 2 * reach + 1;
    const [red, green, blue] = rgb;
    for (let row = Math.max(0, -top); row < side && top + row < high; row += 1) {
      for (let column = Math.max(0, -left); column < side && left + column < wide; column += 1) {
        const cover = mask[row * side + column];
        if (cover) {
          const at = 4 * ((top + row) * wide + left + column);
          data[at] += cover * (red - data[at]);
          data[at + 1] += cover * (green - data[at + 1]);
          data[at + 2] += cover * (blue - data[at + 2]);
        }
      }
    }
  }

  onto(canvas) {
    [canvas.width, canvas.height] = [this.wide, this.high];
    canvas.getContext("2d").putImageData(this.image, 0, 0);
  }
}

// Shares of pixels that a shape covers, for each place of its middle within a pixel.
function masksOf(shape, size) {
  const reach = Math.ceil(1.3 * size) + 1;
  const side = 2 * reach + 1;
  const masks = [];
  for (let place = 0; place < PARTS * PARTS; place += 1) {
    const [x, y] = [(place % PARTS + 0.5) / PARTS + reach, (Math.floor(place / PARTS) + 0.5) / PARTS + reach];
    const mask = new Float32Array(side * side);
    for (let sample = 0; sample < side * side * PARTS * PARTS; sample += 1) {
      const [at, part] = [Math.floor(sample / (PARTS * PARTS)), sample % (PARTS * PARTS)];
      const across = (at % side) + (part % PARTS + 0.5) / PARTS - x;
      const down = Math.floor(at / side) + (Math.floor(part / PARTS) + 0.5) / PARTS - y;
      if (covers(shape, across, down, size)) mask[at] += 1 / (PARTS * PARTS);
    }
    masks.push(mask);
  }
  return { masks, reach };
}

// Whether a shape around 0 holds a point; the shapes are those of the pens.
function covers(shape, x, y, size) {
  const reach = 1.3 * size;
  if (shape === "circle") return x * x + y * y <= size * size;
  if (shape === "square") return Math.max(Math.abs(x), Math.abs(y)) <= size;
  if (shape === "triangle") return y <= size && Math.abs(x) <= (reach * (y + reach)) / (size + reach);
  return Math.abs(x) + Math.abs(y) <= reach;
}

function rgbOf(colour) {
  if (colour.startsWith("#")) return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return colour.match(/\d+/g).slice(0, 3).map(Number);
}
