/**
 * A cluster as text: a matrix of who sees whom, and tables of numbers, queues and groups.
 */
import type { NodeReport, NodeView } from '../transport/index.ts';
import { columns } from './table.ts';

/** A node that sees another one, which does not see it. */
export interface OneSided {
  readonly node: string;
  readonly sees: string;
}

/** The links that only one side has: of two nodes that both answer. */
export function oneSided(views: readonly NodeView[]): OneSided[] {
  const reports = new Map(reportsOf(views).map((report) => [report.node, report]));
  return [...reports.values()].flatMap((report) =>
    report.peers
      .filter(({ node }) => reports.has(node) && !sees(reports.get(node)!, report.node))
      .map((peer) => ({ node: report.node, sees: peer.node })),
  );
}

/** All of it. */
export function textOfCluster(views: readonly NodeView[]): string {
  const reports = reportsOf(views);
  return [
    matrixOf(views),
    troublesOf(views),
    numbersOf(reports),
    queuesOf(reports),
    groupsOf(reports),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function reportsOf(views: readonly NodeView[]): NodeReport[] {
  return views.flatMap((view) => ('report' in view ? [view.report] : []));
}

function sees(report: NodeReport, node: string): boolean {
  return report.peers.some((peer) => peer.node === node);
}

/** A row for each node that looks, a column for each that is looked at. */
function matrixOf(views: readonly NodeView[]): string {
  const rows = views.map((view) => [
    view.node,
    ...views.map((other) => {
      if (other.node === view.node) return '·';
      if (!('report' in view)) return '?';
      const peer = view.report.peers.find(({ node }) => node === other.node);
      if (peer === undefined) return '–';
      return peer.suspected ? '~' : '✓';
    }),
  ]);
  const key = '✓ linked   ~ linked, nothing comes   – not linked   ? it does not answer';
  return `${columns([['sees', ...views.map(({ node }) => node)], ...rows])}\n\n${key}`;
}

function troublesOf(views: readonly NodeView[]): string {
  const silent = views.flatMap((view) => ('error' in view ? [`${view.node}: ${view.error}`] : []));
  const half = oneSided(views).map(
    ({ node, sees: other }) => `${node} sees ${other}, which does not see it`,
  );
  return [...silent, ...half].map((line) => `! ${line}`).join('\n');
}

function numbersOf(reports: readonly NodeReport[]): string {
  const head = ['node', 'agents', 'queued', 'requests', 'crashes', 'restarts', 'dead', 'lag', 'at'];
  const rows = reports.map((report) => [
    report.node,
    ...[report.agents, report.queuedMessages, report.openRequests, report.crashes].map(String),
    ...[report.restarts, report.deadLetters].map(String),
    durationText(report.loopLagMs),
    report.address === '' ? '(dials only)' : report.address,
  ]);
  return columns([head, ...rows]);
}

function queuesOf(reports: readonly NodeReport[]): string {
  const rows = reports
    .flatMap(({ node, mailboxes }) =>
      mailboxes.map(({ path, messages, oldestMs }) => ({
        at: `${node}${path}`,
        messages,
        oldestMs,
      })),
    )
    .sort((a, b) => b.messages - a.messages)
    .map(({ at, messages, oldestMs }) => [at, String(messages), durationText(oldestMs)]);
  return rows.length === 0 ? 'no queues' : columns([['queue', 'messages', 'oldest'], ...rows]);
}

/** A group is one row when all nodes see the same members of it, else one for each view. */
function groupsOf(reports: readonly NodeReport[]): string {
  const names = new Set(reports.flatMap(({ groups }) => groups.map(({ group }) => group)));
  const rows = [...names].sort().flatMap((name) => {
    const views = new Map<string, string[]>();
    for (const { node, groups } of reports) {
      const found = groups.find(({ group }) => group === name);
      const members = (found?.members ?? []).toSorted().join(' ');
      const view = `${found?.count ?? 0}\n${members}`;
      views.set(view, [...(views.get(view) ?? []), node]);
    }
    return [...views].map(([view, nodes]) => {
      const [count = '', members = ''] = view.split('\n');
      const by = nodes.length === reports.length ? 'all' : nodes.join(' ');
      return [name, count, by, members];
    });
  });
  return rows.length === 0 ? '' : columns([['group', 'members', 'seen by', ''], ...rows]);
}

function durationText(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
