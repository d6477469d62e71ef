/** Writes a picture as SVG. Pure. */
import type { Picture, Shape } from "./chart.ts";

/** The picture as an SVG document. */
export function renderSvg({ title, width, height, background, shapes }: Picture): string {
  const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">`;
  return [
    open,
    `  <title>${escapeText(title)}</title>`,
    `  <rect width="${width}" height="${height}" fill="${background}"/>`,
    ...shapes.map((shape) => `  ${element(shape)}`),
    "</svg>",
    "",
  ].join("\n");
}

function element(shape: Shape): string {
  switch (shape.kind) {
    case "rect":
      return `<rect x="${fixed(shape.x)}" y="${fixed(shape.y)}" width="${fixed(shape.width)}" height="${fixed(shape.height)}" fill="${shape.fill}"/>`;
    case "line":
      return `<line x1="${fixed(shape.x1)}" y1="${fixed(shape.y1)}" x2="${fixed(shape.x2)}" y2="${fixed(shape.y2)}" stroke="${shape.stroke}" stroke-width="${shape.width}"/>`;
    case "path":
      return `<polyline points="${shape.points.map(([x, y]) => `${fixed(x)},${fixed(y)}`).join(" ")}" fill="none" stroke="${shape.stroke}" stroke-width="${shape.width}" stroke-linejoin="round"/>`;
    case "text":
      return `<text x="${fixed(shape.x)}" y="${fixed(shape.y)}" font-size="${shape.size}" fill="${shape.fill}" text-anchor="${shape.anchor}">${escapeText(shape.text)}</text>`;
  }
}

function fixed(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
