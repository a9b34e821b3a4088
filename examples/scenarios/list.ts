// All scenarios, in the order of their ids.

import announcement from './announcement.ts';
import contentPipeline from './content-pipeline.ts';
import customerService from './customer-service.ts';
import deadlockClinic from './deadlock-clinic.ts';
import documents from './documents.ts';
import environments from './environments.ts';
import jury from './jury.ts';
import oneOrMany from './one-or-many.ts';
import opsAgent from './ops-agent.ts';
import planAndExecute from './plan-and-execute.ts';
import research from './research.ts';
import scrapers from './scrapers.ts';
import supportTriage from './support-triage.ts';
import type { Scenario } from './stage.ts';

export const SCENARIOS: readonly Scenario[] = [
  contentPipeline,
  announcement,
  scrapers,
  supportTriage,
  planAndExecute,
  research,
  documents,
  customerService,
  opsAgent,
  deadlockClinic,
  environments,
  jury,
  oneOrMany,
];
