/** `npm run bench -- scale`: what an operation costs as the work grows. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BUILT } from '../node-runner.ts';
import { table, time } from '../table.ts';
import { plot } from './plot.ts';
import type { Point } from './series.ts';

export interface ScaleOptions {
  readonly json: boolean;
  readonly svg: string | undefined;
  readonly profileTo: string | undefined;
  readonly progress: (text: string) => void;
  readonly print: (text: string) => void;
}

export async function runScale(options: ScaleOptions): Promise<void> {
  const { json, svg, progress, print } = options;
  const points = await measureAll(options);
  if (json) print(JSON.stringify(points, null, 2));
  else
    for (const series of new Set(points.map((point) => point.series))) {
      print(seriesTable(points.filter((point) => point.series === series)));
    }
  if (svg === undefined) return;
  writeFileSync(svg, plot(points, `troupe: CPU time of one operation as the work grows`));
  progress(`drawn to ${svg}`);
}

async function measureAll({ profileTo, progress }: ScaleOptions): Promise<Point[]> {
  const points: Point[] = [];
  const profile = ['--cpu-prof', `--cpu-prof-dir=${profileTo}`, '--cpu-prof-name=scale.cpuprofile'];
  const child = fork(fileURLToPath(new URL('scale/contestant.js', BUILT)), {
    execArgv: ['--expose-gc', ...(profileTo === undefined ? [] : profile)],
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const kill = (): void => void child.kill('SIGKILL');
  process.on('exit', kill);
  child.on('message', (message: { progress: string } | { point: Point }) => {
    if ('progress' in message) progress(message.progress);
    else points.push(message.point);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.off('exit', kill);
  if (code !== 0) throw new Error(`scale: its process ended with ${code}`);
  return points;
}

/** A row for each size, and a column for each line. */
function seriesTable(points: readonly Point[]): string {
  const lines = [...new Set(points.map(({ line }) => line))];
  const sizes = [...new Set(points.map(({ size }) => size))];
  const cell = (size: number, line: string): string => {
    const point = points.find((each) => each.size === size && each.line === line);
    return point === undefined ? '' : time(point.ns);
  };
  const rows = sizes.map((size) => [
    size.toLocaleString('en'),
    ...lines.map((line) => cell(size, line)),
  ]);
  return `${points[0]!.series}\n\n${table([points[0]!.of, ...lines], rows)}\n`;
}
