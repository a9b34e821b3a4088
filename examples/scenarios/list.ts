// All scenarios, in the order of their ids.

import contentPipeline from './content-pipeline.ts';
import planAndExecute from './plan-and-execute.ts';
import scrapers from './scrapers.ts';
import supportTriage from './support-triage.ts';
import type { Scenario } from './stage.ts';

export const SCENARIOS: readonly Scenario[] = [
  contentPipeline,
  scrapers,
  supportTriage,
  planAndExecute,
];
