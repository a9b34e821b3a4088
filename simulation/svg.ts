/**
 * The sequence of a failed run as an SVG that stands alone: no script, no font of its own, light or
 * dark as its reader is.
 */
import { sender } from './event-id.ts';
import type { Report } from './report.ts';
import { sceneOf, type Row, type Scene } from './scene.ts';

const MARGIN = 28;
/** From the edge to the first lane; the numbers of the steps stand there. */
const GUTTER = 34;
const ROW = 34;
const NOTE_LINE = 16;
const CHAR = 6.9;
const SAID = 7;
const LANE_MIN = 132;
const LANE_MAX = 260;

const STYLE = `
  svg { font: 13px/1.4 ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
    --paper: #ffffff; --ink: #1f2430; --soft: #69707f; --line: #c9ced8; --box: #f3f5f9; --edge: #b9c0cd;
    --accent: #3056d3; --warm: #b45309; --warm-bg: #fdf3e1; --bad: #b4232c; --bad-bg: #fdecec; --note: #f7f7fa; }
  @media (prefers-color-scheme: dark) { svg { --paper: #14171d; --ink: #e7eaf0; --soft: #98a1b2; --line: #3b4250;
    --box: #212631; --edge: #465066; --accent: #8eabff; --warm: #f2b35a; --warm-bg: #33280f; --bad: #ff8a8a;
    --bad-bg: #3b1d20; --note: #1d222b; } }
  text { fill: var(--ink); }
  .paper { fill: var(--paper); }
  .title { font-size: 17px; font-weight: 650; }
  .kind { font-size: 12px; font-weight: 700; letter-spacing: .06em; fill: var(--bad); }
  .badge { fill: var(--bad-bg); stroke: var(--bad); }
  .soft { fill: var(--soft); }
  .why { fill: var(--warm); }
  .num { fill: var(--soft); font-size: 11px; font-variant-numeric: tabular-nums; }
  .lane { stroke: var(--line); stroke-dasharray: 3 4; }
  .box { fill: var(--box); stroke: var(--edge); }
  .agent { font-weight: 600; text-anchor: middle; }
  .arrow { stroke: var(--accent); stroke-width: 1.5; fill: none; }
  .answer { stroke-dasharray: 5 4; }
  .late, .early { stroke: var(--warm); stroke-width: 2; }
  .lost { stroke: var(--bad); }
  .pending { stroke-dasharray: 2 4; }
  .head { fill: var(--accent); } .head.late, .head.early { fill: var(--warm); stroke: none; } .head.lost { fill: var(--bad); }
  .label { text-anchor: middle; paint-order: stroke; stroke: var(--paper); stroke-width: 5px; stroke-linejoin: round;
    font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace; }
  .in-pair { stroke: var(--warm-bg); }
  .note { fill: var(--note); stroke: var(--edge); }
  .note.fault, .note.verdict { fill: var(--bad-bg); stroke: var(--bad); }
  .said { text-anchor: middle; font-size: 12px; }
  .said.fault, .said.verdict { fill: var(--bad); } .said.verdict { font-weight: 600; }
  .pair { fill: var(--warm-bg); }
  .loop { fill: none; stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 6 4; }
  .tab { fill: var(--bad-bg); stroke: var(--bad); } .tab-text { fill: var(--bad); font-size: 11.5px; font-weight: 650; }
  .break { stroke: var(--paper); stroke-width: 5; } .zigzag { stroke: var(--bad); stroke-width: 1.5; fill: none; }
`;

/** The run of a failure as a standalone SVG; empty when nothing failed. */
export function svgOf<W>(report: Report<W>): string {
  return report.failure === undefined ? '' : draw(sceneOf(report, report.failure));
}

interface Layout {
  readonly xOf: (lane: string) => number;
  readonly width: number;
  readonly top: number;
}

function draw(scene: Scene): string {
  const { lanes, rows, reasons } = scene;
  const widest = Math.max(
    ...lanes.map((lane) => sender(lane).length * CHAR + 40),
    ...labelWidths(scene),
  );
  const laneWidth = Math.min(Math.max(widest, LANE_MIN), LANE_MAX);
  const bodyWidth = GUTTER + lanes.length * laneWidth;
  const width = Math.max(bodyWidth, 460) + 2 * MARGIN;
  const textWidth = Math.floor((width - 2 * MARGIN) / CHAR);
  const messageLines = wrapped(scene.message, textWidth, 4);
  const reasonLines = reasons
    .slice(0, 6)
    .flatMap((reason, index) => wrapped(`(${index + 1}) ${reason}`, textWidth, 3));
  const whyTitle =
    reasons.length === 0 ? [] : ['Passes when what was sent first is handled first. Fails if'];
  const headLines = messageLines.length + whyTitle.length + reasonLines.length;
  const boxY = MARGIN + 34 + headLines * 19 + (reasons.length > 0 ? 8 : 0) + 10;
  const top = boxY + 36 + 18;
  const offset = MARGIN + GUTTER + (width - 2 * MARGIN - bodyWidth) / 2;
  const xOf = (lane: string): number =>
    offset + (Math.max(lanes.indexOf(lane), 0) + 0.5) * laneWidth;
  const { parts, bottom } = body(rows, { xOf, width, top }, laneWidth);
  const height = bottom + MARGIN;

  const head: string[] = [];
  const badge = scene.verdict.length * 9.8 + 24;
  head.push(
    `<rect class="badge" x="${MARGIN}" y="${MARGIN - 4}" width="${round(badge)}" height="24" rx="12"/>`,
    textAt(MARGIN + badge / 2, MARGIN + 12.5, scene.verdict, 'kind', 'middle'),
    textAt(MARGIN + badge + 12, MARGIN + 14, scene.name, 'title'),
  );
  let y = MARGIN + 42;
  const line = (text: string, style: string): void => {
    head.push(textAt(MARGIN, y, text, style));
    y += 19;
  };
  for (const text of messageLines) line(text, '');
  if (reasons.length > 0) y += 8;
  for (const text of whyTitle) line(text, 'soft');
  for (const text of reasonLines) line(text, 'why');

  const lifelines = lanes.map(
    (lane) =>
      `<line class="lane" x1="${round(xOf(lane))}" x2="${round(xOf(lane))}" y1="${boxY + 32}" y2="${round(bottom)}"/>`,
  );
  const boxes = lanes.map((lane) => {
    const label = clipped(sender(lane), Math.floor((laneWidth - 24) / CHAR));
    const boxWidth = Math.min(laneWidth - 14, Math.max(label.length * 7.6 + 28, 64));
    const radius = lane === 'env' ? 16 : 7;
    return `<rect class="box" x="${round(xOf(lane) - boxWidth / 2)}" y="${boxY}" width="${round(boxWidth)}" height="32" rx="${radius}"/>${textAt(xOf(lane), boxY + 20.5, label, 'agent')}`;
  });
  const title = escape(`${scene.verdict}: ${scene.name}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}" role="img" aria-label="${title}">`,
    `<title>${title}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="100%" height="100%"/>`,
    ...parts.under,
    ...lifelines,
    ...boxes,
    ...parts.over,
    ...head,
    '</svg>',
    '',
  ].join('\n');
}

/** What stands under the lifelines (frames) and over them (arrows, notes). */
interface Parts {
  readonly under: string[];
  readonly over: string[];
}

function body(
  rows: readonly Row[],
  { xOf, width, top }: Layout,
  laneWidth: number,
): { parts: Parts; bottom: number } {
  const parts: Parts = { under: [], over: [] };
  const yOf = new Map<number, number>();
  const opened: { readonly frame: string; readonly y: number; readonly text: string }[] = [];
  const inset = MARGIN - 8;
  let y = top;
  let previous:
    { readonly y: number; readonly isWide: boolean; readonly over: readonly string[] } | undefined;
  rows.forEach((row, index) => {
    const noteBefore = previous;
    previous = undefined;
    switch (row.kind) {
      case 'arrow': {
        const isSelf = row.from === row.to;
        const at = y + 20;
        yOf.set(index, at);
        const startY = row.sentAt === undefined ? at : (yOf.get(row.sentAt) ?? top - 12);
        if (row.step > 0)
          parts.over.push(textAt(MARGIN + 18, at + 4, String(row.step), 'num', 'end'));
        parts.over.push(
          ...(isSelf
            ? selfArrow(row, xOf(row.from), at)
            : arrow(row, xOf(row.from), startY, xOf(row.to), at)),
        );
        y += ROW + (isSelf || startY !== at ? 8 : 0);
        break;
      }
      case 'note': {
        const xs = row.over.map(xOf);
        const left = Math.min(...xs);
        const right = Math.max(...xs);
        // A note may reach half over its neighbours: they have nothing to say in its rows.
        const room = right - left + laneWidth * 1.6;
        const lines = wrapped(row.text, Math.floor((room - 20) / SAID), 5);
        const boxWidth = Math.max(...lines.map((line) => line.length * SAID)) + 24;
        const height = lines.length * NOTE_LINE + 10;
        // Notes about different agents stand side by side, if they are narrow.
        const beside =
          boxWidth <= laneWidth - 6 &&
          noteBefore?.isWide === false &&
          !noteBefore.over.some((agent) => row.over.includes(agent));
        const noteY = beside && noteBefore !== undefined ? noteBefore.y : y + 4;
        const middle = clampedMiddle((left + right) / 2, boxWidth, width);
        parts.over.push(
          `<rect class="note ${row.tone}" x="${round(middle - boxWidth / 2)}" y="${round(noteY)}" width="${round(boxWidth)}" height="${height}" rx="5"/>`,
          ...lines.map((line, nth) =>
            textAt(middle, noteY + 17 + nth * NOTE_LINE, line, `said ${row.tone}`),
          ),
        );
        y = Math.max(y, noteY + height + 6);
        previous = {
          y: noteY,
          isWide: boxWidth > laneWidth - 6,
          over: [...row.over, ...(beside ? (noteBefore?.over ?? []) : [])],
        };
        break;
      }
      case 'restart': {
        const x = xOf(row.agent);
        const at = y + 14;
        parts.over.push(
          `<line class="break" x1="${round(x)}" x2="${round(x)}" y1="${at - 9}" y2="${at + 9}"/>`,
          `<path class="zigzag" d="M${round(x - 8)} ${at - 4}l4 -4l8 8l4 -4M${round(x - 8)} ${at + 6}l4 -4l8 8l4 -4"/>`,
          textAt(x + 14, at + 5, row.text, 'tab-text'),
        );
        y += ROW;
        break;
      }
      case 'gap':
        parts.over.push(textAt(width / 2, y + 18, `… ${row.steps} more steps …`, 'said soft'));
        y += ROW;
        break;
      case 'open':
        opened.push({ frame: row.frame, y, text: row.text });
        y += row.frame === 'loop' ? 26 : 6;
        break;
      case 'close': {
        const frame = opened.pop();
        if (frame === undefined) break;
        const height = y + 6 - frame.y;
        const box = `x="${inset}" y="${round(frame.y)}" width="${round(width - 2 * inset)}" height="${round(height)}"`;
        if (frame.frame === 'pair') parts.under.push(`<rect class="pair" ${box} rx="6"/>`);
        else {
          const tab = frame.text.length * 7 + 34;
          parts.under.push(`<rect class="loop" ${box} rx="8"/>`);
          parts.over.push(
            `<rect class="tab" x="${inset}" y="${round(frame.y)}" width="${round(tab)}" height="22" rx="6"/>`,
            textAt(inset + 10, frame.y + 15.5, `↻ ${frame.text}`, 'tab-text'),
          );
        }
        y += 14;
        break;
      }
    }
  });
  return { parts, bottom: y + 6 };
}

type Arrow = Extract<Row, { kind: 'arrow' }>;

function toneOf({ style, sentAt, isPending, isEarly }: Arrow): string {
  return [
    style === 'message' ? '' : style,
    sentAt === undefined ? '' : 'late',
    isEarly === true ? 'early' : '',
    isPending === true ? 'pending' : '',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

function arrow(row: Arrow, x1: number, y1: number, x2: number, y2: number): string[] {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
  const reach = row.isPending === true ? 0.86 : 1;
  const [endX, endY] = [x1 + (x2 - x1) * reach, y1 + (y2 - y1) * reach];
  const tone = toneOf(row);
  const [tipX, tipY] = [endX - dx * 2, endY - dy * 2];
  const wing = (side: number): string =>
    `${round(tipX - dx * 9 - side * dy * 4.5)} ${round(tipY - dy * 9 + side * dx * 4.5)}`;
  const tip =
    row.style === 'lost'
      ? `<path class="arrow lost" d="M${round(endX - dx * 26 - 5)} ${round(endY - 5)}l10 10m0 -10l-10 10"/>`
      : `<path class="head ${tone}" d="M${round(tipX)} ${round(tipY)}L${wing(1)}L${wing(-1)}Z"/>`;
  const stop = row.style === 'lost' ? 26 : 8;
  const line = `<line class="arrow ${tone}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(endX - dx * stop)}" y2="${round(endY - dy * stop)}"/>`;
  if (y1 === y2) return [line, tip, textAt((x1 + endX) / 2, y1 - 6, row.text, 'label')];
  // The label of a slanted arrow stands below its end, where no other arrow is.
  const isRight = x2 > x1;
  const labelX = endX - (isRight ? 14 : -14);
  return [line, tip, textAt(labelX, endY + 7, row.text, 'label', isRight ? 'end' : 'start')];
}

function selfArrow(row: Arrow, x: number, y: number): string[] {
  const tone = toneOf(row);
  return [
    `<path class="arrow ${tone}" d="M${round(x)} ${y - 8}h26a8 8 0 0 1 0 16h-16"/>`,
    `<path class="head ${tone}" d="M${round(x + 2)} ${y + 8}l9 -4.5v9Z"/>`,
    textAt(x + 42, y + 4, row.text, 'label', 'start'),
  ];
}

/** How wide a lane must be for the labels of arrows between neighbours. */
function labelWidths({ lanes, rows }: Scene): number[] {
  return rows.flatMap((row) => {
    if (row.kind !== 'arrow') return [];
    const span = Math.max(Math.abs(lanes.indexOf(row.from) - lanes.indexOf(row.to)), 1);
    return [(row.text.length * 7.3 + 46) / span];
  });
}

// ── Text ──────────────────────────────────────────────────────────────────────────────────────

function textAt(x: number, y: number, text: string, style: string, anchor?: string): string {
  const align = anchor === undefined ? '' : ` style="text-anchor:${anchor}"`;
  return `<text class="${style}" x="${round(x)}" y="${round(y)}"${align}>${escape(text.replaceAll(/`([^`]*)`/g, '“$1”'))}</text>`;
}

function wrapped(text: string, width: number, linesMax: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  lines.push(line);
  if (lines.length <= linesMax) return lines.map((each) => clipped(each, Math.max(width, 12)));
  return [...lines.slice(0, linesMax - 1), `${lines[linesMax - 1] ?? ''} …`];
}

function clipped(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(length - 1, 1))}…`;
}

/** A note at the edge stays on the paper. */
function clampedMiddle(middle: number, boxWidth: number, width: number): number {
  const half = boxWidth / 2 + MARGIN / 2;
  return Math.max(half, Math.min(middle, width - half));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
