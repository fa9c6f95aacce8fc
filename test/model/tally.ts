import type { History } from './history';

const OUTCOMES = ['acked', 'verified_absent', 'refused', 'not_sent', 'unknown'] as const;
const VERDICTS = ['success', 'refused', 'NOT_EXECUTED', 'UNKNOWN'] as const;

/** Counts what happened in histories, because a model test whose operations all fail early proves nothing. */
export class Tally {
  scenarios = 0;
  unlinks = 0;
  /** Unlinks with a request that arrived at GenAuth. */
  arrived = 0;
  executed = 0;
  /** Responses that list removed identities. */
  removed = 0;
  readonly verdicts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0]));
  /** Outcomes in the audit trail. */
  readonly outcomes = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0]));
  readonly reads = { shown: 0, unknown: 0, error: 0 };

  add({ unlinkings, readings, audit }: History): void {
    this.scenarios++;
    for (const { verdict, arrived, executions, removed } of unlinkings) {
      this.unlinks++;
      this.arrived += Math.min(arrived, 1);
      this.executed += executions.length;
      if (removed !== null && removed.length > 0) this.removed++;
      count(this.verdicts, verdict);
    }
    for (const { outcome } of audit) if (outcome !== undefined) count(this.outcomes, outcome);
    for (const { seen } of readings) this.reads[seen === 'unknown' || seen === 'error' ? seen : 'shown']++;
  }
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
