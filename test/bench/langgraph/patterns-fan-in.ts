import { Annotation, END, START, Send, StateGraph } from '@langchain/langgraph';
import { CROWD, type Rate } from '../workload.ts';

const State = Annotation.Root({
  done: Annotation<number>({ default: () => 0, reducer: (all, more) => all + more }),
});

export async function open(): Promise<Rate> {
  const everybody = Array.from({ length: CROWD }, (_, at) => new Send('one', { at }));
  const graph = new StateGraph(State)
    .addNode('one', () => ({ done: 1 }))
    .addConditionalEdges(START, () => everybody, ['one'])
    .addEdge('one', END)
    .compile();
  return async (operations) => {
    let count = 0;
    while (count < operations) count += (await graph.invoke({ done: 0 })).done;
    return count;
  };
}
