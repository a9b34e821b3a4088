import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { STEPS, type Rate } from '../workload.ts';

const State = Annotation.Root({ steps: Annotation<number> });
type Steps = typeof State.State;

export async function open(): Promise<Rate> {
  const step = ({ steps }: Steps): Steps => ({ steps: steps + 1 });
  const then =
    <TOther extends string>(other: TOther) =>
    ({ steps }: Steps): TOther | typeof END =>
      steps < STEPS ? other : END;
  const graph = new StateGraph(State)
    .addNode('a', step)
    .addNode('b', step)
    .addEdge(START, 'a')
    .addConditionalEdges('a', then('b'), ['b', END])
    .addConditionalEdges('b', then('a'), ['a', END])
    .compile();
  return async (operations) => {
    let count = 0;
    while (count < operations) {
      const { steps } = await graph.invoke({ steps: 0 }, { recursionLimit: STEPS + 1 });
      count += steps;
    }
    return count;
  };
}
