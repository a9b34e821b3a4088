/** The process of one contender of Node: `node contestant.js CONTENDER WORKLOAD`. */
import { runDelay, runFill, runRate, type Measured } from './measure.ts';
import { WORKLOADS, type Fill, type Loop, type Opened, type Rate } from './workload.ts';

export interface Request {
  readonly operations: number;
}
export type Response = Measured | { readonly error: string };

const [contender, name] = process.argv.slice(2);
const workload = WORKLOADS.find((each) => each.name === name);
if (contender === undefined || workload === undefined) throw new Error(`no workload ${name}`);

const file = new URL(`./${contender}/${workload.name}.js`, import.meta.url).href;
const { open } = (await import(file)) as { readonly open: () => Promise<Opened> };
const opened = await open();

function run(operations: number): Promise<Measured> {
  switch (workload?.unit) {
    case 'bytes':
      return runFill(opened as Fill, operations);
    case 'ms':
      return runDelay(opened as Loop, operations);
    default:
      return runRate(opened as Rate, operations);
  }
}

function answer(response: Response | 'ready'): void {
  process.send?.(response);
}

process.on('message', ({ operations }: Request) => {
  run(operations).then(answer, (error: unknown) => {
    answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  });
});
process.on('disconnect', () => process.exit(0));
answer('ready');
