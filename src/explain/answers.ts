// What the page is answered beside pictures, stories and traces.
import type { Change } from './history/history.ts';
import type { Item, Moment } from './picture/picture.ts';
import type { NetworkPlan } from './plan/plan.ts';

export interface HistoryAnswer {
  readonly first: Moment;
  readonly last: Moment;
  /** The latest, oldest first. */
  readonly changes: readonly Change[];
}

export interface PlanAnswer {
  readonly plan: NetworkPlan;
  readonly before: readonly Item[];
  readonly after: readonly Item[];
}
