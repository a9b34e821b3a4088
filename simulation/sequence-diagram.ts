/**
 * The diagrams of a failure in Mermaid: what happened as a sequence, and who waits for whom as a graph.
 */
import { sender } from './event-id.ts';
import type { Report } from './report.ts';
import { sceneOf, type Row } from './scene.ts';

/** The sequence of a failed run as a Mermaid `sequenceDiagram`; empty when nothing failed. */
export function sequenceDiagram<W>(report: Report<W>): string {
  if (report.failure === undefined) return '';
  const scene = sceneOf(report, report.failure);
  const ids = new Map(scene.lanes.map((lane, index) => [lane, `p${index}`]));
  const lines = ['sequenceDiagram'];
  for (const [lane, id] of ids)
    lines.push(`  ${lane === 'env' ? 'actor' : 'participant'} ${id} as ${plain(sender(lane))}`);
  let depth = 1;
  for (const row of scene.rows) {
    if (row.kind === 'close') depth -= 1;
    for (const line of linesOf(row, [...ids.values()], (lane) => ids.get(lane) ?? lane))
      lines.push('  '.repeat(depth) + line);
    if (row.kind === 'open') depth += 1;
  }
  return lines.join('\n');
}

/** The circle of those who wait for each other as a Mermaid `graph LR`; empty when there is none. */
export function waitForGraph<W>(report: Report<W>): string {
  if (report.failure === undefined) return '';
  const { circle } = sceneOf(report, report.failure);
  if (circle.length === 0) return '';
  const edges = circle.map(({ waitsFor }, index) => {
    const next = (index + 1) % circle.length;
    return `  p${index} -- "${plain(waitsFor)}" --> p${next}`;
  });
  const nodes = circle.map(({ agent }, index) => `  p${index}["${plain(agent)}"]`);
  return ['graph LR', ...nodes, ...edges].join('\n');
}

/** A page with the explanation and its diagrams, as it is written to `.troupe/`. */
export function markdownOf<W>(report: Report<W>, text: string): string {
  const fence = (body: string): string => `\`\`\`mermaid\n${body}\n\`\`\`\n`;
  const graph = waitForGraph(report);
  return [
    `# ${report.verdict}: ${report.name}\n`,
    `\`\`\`text\n${text}\n\`\`\`\n`,
    ...(report.failure === undefined ? [] : [fence(sequenceDiagram(report))]),
    ...(graph === '' ? [] : [fence(graph)]),
  ].join('\n');
}

const ARROWS = { message: '->>', answer: '-->>', timer: '->>', lost: '-x' } as const;

function linesOf(row: Row, lanes: readonly string[], idOf: (lane: string) => string): string[] {
  switch (row.kind) {
    case 'arrow': {
      const arrow = row.isPending === true ? '--)' : ARROWS[row.style];
      const text = row.isPending === true ? row.text : `${row.step}. ${row.text}`;
      return [`${idOf(row.from)}${arrow}${idOf(row.to)}: ${plain(text)}`];
    }
    case 'note':
      return [`note over ${row.over.map(idOf).join()}: ${plain(row.text)}`];
    case 'restart':
      return [`note over ${idOf(row.agent)}: ✂ ${plain(row.text)}`];
    case 'gap':
      return [
        `note over ${[...new Set([lanes[0], lanes.at(-1)])].join()}: … ${row.steps} more steps …`,
      ];
    case 'open':
      return row.frame === 'loop' ? [`loop ${plain(row.text)}`] : ['rect rgba(217, 119, 6, 0.15)'];
    case 'close':
      return ['end'];
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '#': '#35;',
  ';': '#59;',
  '"': '#quot;',
  '<': '#lt;',
  '>': '#gt;',
};

/** Text as Mermaid takes it: its own signs are written as entities. */
function plain(text: string): string {
  return text.replaceAll(/[#;"<>]/g, (sign) => ENTITIES[sign] ?? sign).replaceAll(/\s+/g, ' ');
}
