import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AuditLog,
  createAuditLog,
  createOperationId,
  readAudit,
  type WriteIntent,
  type WriteOutcome,
} from '../../src/audit';

export const ACTOR = {
  iss: 'https://issuer.example/oidc',
  sub: '60194296801dc7bc2a1b2735',
  azp: null,
  scopes: ['openid'],
};
export const TARGET = { userId: '60194296801dc7bc2a1b2735', extIdpId: '60193c610f9117e7cb049159', type: null };
export const UPSTREAM = { statusCode: 200, apiCode: null, requestId: 'r-1', attempts: 1 };

export function createIntent(operationId = createOperationId()): WriteIntent {
  return { kind: 'unlink', operationId, requestId: 'router-1', actor: ACTOR, target: TARGET };
}

export function createOutcome(operationId: string): WriteOutcome {
  return {
    ...createIntent(operationId),
    outcome: 'acked',
    upstream: UPSTREAM,
    removed: [{ id: 'i1', type: 'generic' }],
    latencyMs: 12.5,
  };
}

/** The audit file of one test, and the trails that are open on it. */
export class AuditFile {
  readonly directory = fs.mkdtempSync(join(tmpdir(), 'audit-'));
  readonly path = join(this.directory, 'audit.jsonl');
  readonly #logs: AuditLog[] = [];

  async open(onFailure?: Parameters<typeof createAuditLog>[1]): Promise<AuditLog> {
    const log = await createAuditLog(this.path, onFailure);
    this.#logs.push(log);
    return log;
  }

  text(): string {
    return fs.readFileSync(this.path, 'utf8');
  }

  /** Writes intents with these ids. @returns The lines of the file. */
  async write(...ids: string[]): Promise<string[]> {
    const log = await this.open();
    for (const id of ids) await log.intent(createIntent(id));
    return this.text().split('\n').slice(0, -1);
  }

  async openIds(path = this.path): Promise<string[]> {
    return (await readAudit(path)).unsettled.map(({ intent }) => intent.operationId);
  }

  async remove(): Promise<void> {
    await Promise.all(this.#logs.map((log) => log.close()));
    fs.rmSync(this.directory, { recursive: true, maxRetries: 10 });
  }
}
