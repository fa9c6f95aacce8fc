import type { FaultCase } from '../faultCase';
import { AUTHENTICATION } from './authentication';
import { CONNECTIONS } from './connections';
import { LIMITS } from './limits';
import { LOST_RESPONSES } from './lostResponses';
import { MALFORMED } from './malformed';
import { STATUSES } from './statuses';
import { USERS } from './users';

/** Every fault, in the order of docs/faults.md. */
export const FAULT_CASES: readonly FaultCase[] = [
  ...CONNECTIONS,
  ...STATUSES,
  ...AUTHENTICATION,
  ...MALFORMED,
  ...USERS,
  ...LOST_RESPONSES,
  ...LIMITS,
];
