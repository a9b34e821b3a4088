/**
 * `troupe check --graph`: who can send what to whom, before anything runs.
 */
import * as fc from 'fast-check';
import {
  isMachine,
  mermaidGraph,
  scenarioGraph,
  staticGraph,
  type StaticGraph,
} from '../simulation/index.ts';
import { loadModule, scenariosIn, type Found } from './load.ts';
import { Misuse, inShort } from './misuse.ts';

interface Looked {
  readonly file: string;
  readonly name: string;
  readonly graph: StaticGraph;
}

/** Looks at the scenarios of the files, and at the machines that they export. */
export async function lookAt(files: readonly string[], json: boolean): Promise<string> {
  const looked: Looked[] = [];
  for (const file of files) {
    const exported = await loadModule(file);
    for (const found of scenariosIn(file, exported)) looked.push(ofScenario(found));
    const machines = Object.entries(exported).filter(([, value]) => isMachine(value));
    if (machines.length > 0) {
      const agents = machines.map(([name, logic]) => ({
        name,
        names: [name],
        logic: logic as never,
      }));
      looked.push({ file, name: `the machines of ${file}`, graph: staticGraph(agents) });
    }
    if (!looked.some((each) => each.file === file))
      throw new Misuse(`${file} exports no scenario and no machine`);
  }
  if (json)
    return JSON.stringify(
      looked.map(({ graph, ...rest }) => ({ ...rest, ...graph })),
      null,
      2,
    );
  return looked.map(textOf).join('\n\n');
}

function ofScenario({ file, name, scenario }: Found): Looked {
  const { workload } = scenario;
  try {
    const [drawn] =
      workload === undefined ? [undefined] : fc.sample(workload, { numRuns: 1, seed: 1 });
    return { file, name, graph: scenarioGraph(scenario, drawn) };
  } catch (error) {
    throw new Misuse(`the scenario "${name}" in ${file} cannot be set up: ${inShort(error)}`);
  }
}

function textOf({ name, graph }: Looked): string {
  const { warnings, unseen } = graph;
  const lines = [name, '', mermaidGraph(graph), ''];
  if (warnings.length === 0) lines.push('nothing looks wrong in what can be seen');
  for (const { kind, message } of warnings) lines.push(`possible ${kind}: ${message}`);
  if (unseen.length > 0)
    lines.push('', 'what cannot be seen:', ...unseen.map((each) => `   ${each}`));
  return lines.join('\n');
}
