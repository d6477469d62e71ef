/** Draws a picture into pixels and writes them as PNG, with nothing but zlib. Pure. */
import { crc32, deflateSync } from "node:zlib";
import type { Picture, Shape } from "./chart.ts";
import { ADVANCE, CAP_HEIGHT, strokesOf } from "./stroke-font.ts";

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const CHANNELS = 3;
const SCALE = 2;

/** The picture as a PNG file, twice as many pixels each way as its own size. */
export function renderPng(picture: Picture): Buffer {
  const canvas = new Canvas(picture.width * SCALE, picture.height * SCALE, picture.background);
  for (const shape of picture.shapes) paint(canvas, shape);
  return encodePng(canvas);
}

class Canvas {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel, row by row. */
  readonly pixels: Buffer;

  constructor(width: number, height: number, background: string) {
    this.width = width;
    this.height = height;
    this.pixels = Buffer.alloc(width * height * CHANNELS);
    const color = parseColor(background);
    for (let index = 0; index < this.pixels.length; index += 1) this.pixels[index] = color[index % CHANNELS] ?? 0;
  }

  /** Lays a colour over a pixel, `share` (0 to 1) of it. */
  blend(x: number, y: number, { color, share }: { readonly color: readonly number[]; readonly share: number }): void {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height || share <= 0) return;
    const at = (y * this.width + x) * CHANNELS;
    for (let channel = 0; channel < CHANNELS; channel += 1) {
      const was = this.pixels[at + channel] ?? 0;
      this.pixels[at + channel] = Math.round(was + ((color[channel] ?? 0) - was) * Math.min(1, share));
    }
  }
}

function paint(canvas: Canvas, shape: Shape): void {
  if (shape.kind === "rect") paintRect(canvas, shape);
  else if (shape.kind === "text") paintText(canvas, shape);
  else {
    const pen = { color: parseColor(shape.stroke), width: shape.width * SCALE };
    for (const [x1, y1, x2, y2] of segmentsOf(shape)) paintStroke(canvas, [x1 * SCALE, y1 * SCALE, x2 * SCALE, y2 * SCALE], pen);
  }
}

function segmentsOf(shape: Extract<Shape, { kind: "line" | "path" }>): readonly Segment[] {
  if (shape.kind === "line") return [[shape.x1, shape.y1, shape.x2, shape.y2]];
  return shape.points.slice(1).map(([x, y], index) => [...(shape.points[index] ?? [x, y]), x, y] as const);
}

function paintRect(canvas: Canvas, { x, y, width, height, fill }: Extract<Shape, { kind: "rect" }>): void {
  const color = parseColor(fill);
  const [left, top, right, bottom] = [x, y, x + width, y + height].map((value) => value * SCALE) as [number, number, number, number];
  for (let row = Math.floor(top); row < bottom; row += 1)
    for (let column = Math.floor(left); column < right; column += 1)
      canvas.blend(column, row, { color, share: overlap(column, left, right) * overlap(row, top, bottom) });
}

/** How much of the pixel that begins at `pixel` lies between two places. */
function overlap(pixel: number, from: number, to: number): number {
  return Math.max(0, Math.min(pixel + 1, to) - Math.max(pixel, from));
}

function paintText(canvas: Canvas, { x, y, text, size, fill, anchor }: Extract<Shape, { kind: "text" }>): void {
  const unit = (size * SCALE * 0.68) / CAP_HEIGHT;
  const width = text.length * ADVANCE * unit;
  const start = x * SCALE - (anchor === "end" ? width : anchor === "middle" ? width / 2 : 0);
  const pen = { color: parseColor(fill), width: Math.max(1.1, unit * 0.85) };
  for (const [index, character] of [...text].entries()) {
    for (const stroke of strokesOf(character)) {
      for (const [order, [toX, toY]] of stroke.entries()) {
        const [fromX, fromY] = stroke[order - 1] ?? [toX, toY];
        const place = (value: number): number => start + (index * ADVANCE + value) * unit;
        const level = (value: number): number => y * SCALE - (CAP_HEIGHT - value) * unit;
        if (order > 0 || stroke.length === 1) paintStroke(canvas, [place(fromX), level(fromY), place(toX), level(toY)], pen);
      }
    }
  }
}

type Segment = readonly [x1: number, y1: number, x2: number, y2: number];

/** A straight stroke with round ends, its edge softened over one pixel. */
function paintStroke(
  canvas: Canvas,
  segment: Segment,
  { color, width }: { readonly color: readonly number[]; readonly width: number },
): void {
  const [x1, y1, x2, y2] = segment;
  const reach = width / 2 + 1;
  for (let y = Math.floor(Math.min(y1, y2) - reach); y <= Math.max(y1, y2) + reach; y += 1)
    for (let x = Math.floor(Math.min(x1, x2) - reach); x <= Math.max(x1, x2) + reach; x += 1)
      canvas.blend(x, y, { color, share: width / 2 + 0.5 - distance(x + 0.5, y + 0.5, segment) });
}

/** From a point to the nearest point of a segment. */
function distance(x: number, y: number, [x1, y1, x2, y2]: Segment): number {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length));
  return Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
}

function parseColor(text: string): readonly number[] {
  return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16));
}

function encodePng({ width, height, pixels }: Canvas): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits a channel, colours without transparency.
  head.set([8, 2, 0, 0, 0], 8);
  const stride = width * CHANNELS;
  const rows = Buffer.alloc(height * (stride + 1));
  for (let row = 0; row < height; row += 1) pixels.copy(rows, row * (stride + 1) + 1, row * stride, (row + 1) * stride);
  return Buffer.concat([SIGNATURE, chunk("IHDR", head), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}
