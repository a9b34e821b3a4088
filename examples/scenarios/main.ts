// Plays one scenario: `npm run example -- content-pipeline [--without guard] [--live] [--json]`.

import { parseArgs } from 'node:util';
import { SCENARIOS } from './list.ts';
import { SAFEGUARDS, Stage, type Safeguard } from './stage.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    without: { type: 'string' },
    live: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const [name] = positionals;
const scenario = SCENARIOS.find((each) => each.name === name);
if (scenario === undefined) {
  const available = SCENARIOS.map((each) => each.name).join(', ');
  console.error(`requested=${name ?? 'nothing'}, available=${available}`);
  process.exit(2);
}
const without = SAFEGUARDS.find((each) => each === values.without);
if (values.without !== undefined && (without === undefined || !isRemovable(without))) {
  const removable = scenario.removable.join(', ') || 'nothing';
  console.error(
    `--without ${values.without}: ${scenario.name} can be played without: ${removable}`,
  );
  process.exit(2);
}

function isRemovable(safeguard: Safeguard): boolean {
  return scenario?.removable.includes(safeguard) === true;
}

const lines: string[] = [];
const stage = new Stage({
  print: (line) => (values.json ? lines.push(line) : console.log(line)),
  isLive: values.live,
  ...(without !== undefined && { without }),
});
await scenario.play(stage);
await stage.close();
if (values.json) {
  console.log(
    JSON.stringify({ name, without: without ?? null, accounts: stage.accounts, lines }, null, 2),
  );
}
