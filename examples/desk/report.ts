/** The desk's report, as Markdown and as one HTML page: what became of documents and agents. */
import { readFileSync } from 'node:fs';

import { parse as render } from 'marked';

import type { Agent, Incident, Report } from './desk.ts';
import type { Result } from './document.ts';

export function summaryOf({ documents, incidents, ms }: Report): string {
  const counts = ['done', 'failed', 'timed out'].map(
    (name) => `${documents.filter(({ outcome }) => outcome === name).length} ${name}`,
  );
  const restarts = incidents.filter(({ kind }) => kind === 'restart').length;
  return `${counts.join(', ')}, ${restarts} restarts in ${ms} ms`;
}

export function toMarkdown(report: Report): string {
  const marks = { done: '■', failed: '**■**', 'timed out': '*■*' };
  const done = report.documents.filter(({ outcome }) => outcome === 'done');
  const parts: Record<string, string> = {
    marks: report.documents.map(({ outcome }) => marks[outcome]).join(' '),
    summary: summaryOf(report),
    rows: report.documents.map(row).join('\n'),
    tree: report.agents.map(branch).join('\n'),
    incidents: report.incidents.map(incident).join('\n') || 'None.',
    entries: done.map(entry).join('\n'),
  };
  return asset('report.txt').replace(/\{(\w+)\}/g, (_match, part: string) => parts[part] ?? '');
}

/** The same, with drawings that the style sheet makes of it. The page needs nothing but itself. */
export function toHtml(report: Report): string {
  const html = render(toMarkdown(report), { async: false });
  return asset('page.html').replace('<!-- report -->', () => html);
}

const asset = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');

function row({ path, outcome, reason = '', kind, ms }: Result): string {
  const mark = { done: 'done', failed: '**failed**', 'timed out': '*timed out*' }[outcome];
  return `| ${[plain(path), `${mark} ${plain(reason)}`, kind, Math.round(ms)].join(' | ')} |`;
}

function branch({ path, status, restarts }: Agent): string {
  const parts = path.split('/').slice(1);
  const end = status === 'crash' || status === 'gave up' ? `**${status}**` : status;
  const badge = restarts > 0 ? ` \`↻ ${restarts}\`` : '';
  return `${'  '.repeat(parts.length - 1)}- ${plain(parts.at(-1) ?? '')} – ${end}${badge}`;
}

const incident = ({ atMs, kind, text }: Incident) => `- ${atMs} ms *${kind}* ${plain(text)}`;

function entry({ path, title = path, summary = '', keyPhrases = [], entities }: Result): string {
  const about = [...keyPhrases, ...Object.values(entities ?? {}).flat()].join(', ');
  return `- **${plain(title)}** ${plain(summary)}\n  - ${plain(`${path}: ${about}`)}`;
}

/** Text as Markdown that means just this text: on one line, and nothing in it is markup. */
function plain(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|&~]/g, '\\$&');
}
