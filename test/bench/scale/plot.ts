/** Draws the series as small log-log plots on one page, all with the same scale of cost. */
import { time } from '../table.ts';
import type { Point } from './series.ts';

const COLUMNS = 3;
const PANEL = { width: 330, height: 230 };
const PLOT = { left: 52, top: 44, width: 252, height: 138 };
const HEADER = 64;
const MARGIN = 16;
const COLOURS = ['#2563eb', '#d97706', '#059669', '#db2777'];

const STYLE = `
  text { font: 11px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #475569; }
  .page { font-size: 18px; font-weight: 600; fill: #0f172a; }
  .title { font-size: 13px; font-weight: 600; fill: #0f172a; }
  .panel { fill: #fff; stroke: #e2e8f0; }
  .grid { stroke: #e2e8f0; }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
  .tick { font-size: 10px; fill: #64748b; }`;

interface Scale {
  readonly from: number;
  readonly to: number;
}

/** The powers of ten that take the numbers in, as exponents. */
function decadesOf(numbers: readonly number[]): Scale {
  const from = Math.floor(Math.log10(Math.min(...numbers)));
  return { from, to: Math.max(from + 1, Math.ceil(Math.log10(Math.max(...numbers)))) };
}

const exponents = ({ from, to }: Scale): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

const place = (value: number, { from, to }: Scale): number =>
  (Math.log10(value) - from) / (to - from);

const round = (number: number): string => number.toFixed(1);

export function plot(points: readonly Point[], title: string): string {
  const names = [...new Set(points.map(({ series }) => series))];
  const costs = decadesOf(points.map(({ ns }) => ns));
  const sizes = decadesOf(points.map(({ size }) => size));
  const rows = Math.ceil(names.length / COLUMNS);
  const width = COLUMNS * PANEL.width + (COLUMNS + 1) * MARGIN;
  const height = HEADER + rows * (PANEL.height + MARGIN);
  const panels = names.map((name, index) => {
    const x = MARGIN + (index % COLUMNS) * (PANEL.width + MARGIN);
    const y = HEADER + Math.floor(index / COLUMNS) * (PANEL.height + MARGIN);
    const own = points.filter(({ series }) => series === name);
    return `<g transform="translate(${x} ${y})">${panel(name, own, sizes, costs)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(title)}</title>
<style>${STYLE}
</style>
<rect width="100%" height="100%" fill="#f8fafc"/>
<text class="page" x="${MARGIN}" y="30">${escaped(title)}</text>
<text x="${MARGIN}" y="50">Both axes are logarithmic; a flat line is a cost that does not grow.</text>
${panels.join('\n')}
</svg>
`;
}

function panel(name: string, points: readonly Point[], sizes: Scale, costs: Scale): string {
  const x = (size: number): number => PLOT.left + place(size, sizes) * PLOT.width;
  const y = (ns: number): number => PLOT.top + (1 - place(ns, costs)) * PLOT.height;
  const bottom = PLOT.top + PLOT.height;
  const right = PLOT.left + PLOT.width;
  const parts = [
    `<rect class="panel" width="${PANEL.width}" height="${PANEL.height}" rx="8"/>`,
    `<text class="title" x="14" y="24">${escaped(name)}</text>`,
  ];
  for (const exponent of exponents(costs)) {
    const at = round(y(10 ** exponent));
    parts.push(
      `<path class="grid" d="M${PLOT.left} ${at}H${right}"/>`,
      `<text class="tick" x="${PLOT.left - 6}" y="${at}" dy="3" text-anchor="end">${label(10 ** exponent)}</text>`,
    );
  }
  for (const exponent of exponents(sizes)) {
    const at = round(x(10 ** exponent));
    parts.push(
      `<path class="grid" d="M${at} ${PLOT.top}V${bottom}"/>`,
      `<text class="tick" x="${at}" y="${bottom + 14}" text-anchor="middle">${short(10 ** exponent)}</text>`,
    );
  }
  const lines = [...new Set(points.map(({ line }) => line))];
  let legend = 14;
  lines.forEach((line, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const own = points.filter((point) => point.line === line);
    const path = own.map(({ size, ns }) => `${round(x(size))} ${round(y(ns))}`).join('L');
    parts.push(`<path class="line" stroke="${colour}" d="M${path}"/>`);
    for (const { size, ns } of own) {
      const told = `${line}, ${size.toLocaleString('en')}: ${time(ns)}`;
      parts.push(
        `<circle cx="${round(x(size))}" cy="${round(y(ns))}" r="3" fill="${colour}"><title>${escaped(told)}</title></circle>`,
      );
    }
    const under = bottom + 36;
    parts.push(
      `<circle cx="${legend + 4}" cy="${under - 4}" r="4" fill="${colour}"/>`,
      `<text x="${legend + 12}" y="${under}">${escaped(line)}</text>`,
    );
    legend += 26 + line.length * 5.6;
  });
  return parts.join('\n');
}

/** A power of ten of nanoseconds: `100 ns`, `1 µs`. */
function label(ns: number): string {
  if (ns < 1e3) return `${ns} ns`;
  if (ns < 1e6) return `${ns / 1e3} µs`;
  return ns < 1e9 ? `${ns / 1e6} ms` : `${ns / 1e9} s`;
}

const short = (size: number): string => (size < 1_000 ? `${size}` : `${size / 1_000}k`);

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
