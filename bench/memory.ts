import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from './bench';
import { type Contender, UNLIMITED } from './contenders';
import { type Spread, spreadOf } from './statistics';
import { DISTINCT_DOCUMENTS, DOCUMENTS } from './workloads';

/** Resident memory after a number of documents, each of which was sent once. */
export interface DocumentsMeasurement {
  documents: number;
  residentMiB: number;
}

/** The product without any request. */
export interface StartMeasurement {
  readyMs: Spread;
  idleMiB: Spread;
}

/** Measures how memory grows with documents that are sent only once. */
export async function measureDocuments(bench: Bench, product: Contender): Promise<DocumentsMeasurement[]> {
  const started = await bench.startAll(DOCUMENTS, [product], UNLIMITED);
  const measurements: DocumentsMeasurement[] = [];
  for (const process of started.values()) {
    let documents = 0;
    while (documents < DISTINCT_DOCUMENTS) {
      bench.onProgress(`${DOCUMENTS.name}: ${documents} of ${DISTINCT_DOCUMENTS}`);
      documents += (await bench.send(process, product.name, DOCUMENTS, 3)).served;
      measurements.push({ documents, residentMiB: process.residentMiB() });
    }
    await process.stop();
  }
  return measurements;
}

const STARTS = 10;
/** A process that has just started still collects its garbage. */
const SETTLE_MS = 2_000;

/** Measures how long the product takes to start, and its memory before the first request. */
export async function measureStart(bench: Bench, product: Contender): Promise<StartMeasurement> {
  const readyMs: number[] = [];
  const idleMiB: number[] = [];
  for (let start = 1; start <= STARTS; start++) {
    bench.onProgress(`start: ${start} of ${STARTS}`);
    for (const process of (await bench.startAll({ name: 'start' }, [product], {})).values()) {
      readyMs.push(process.readyMs);
      await pause(SETTLE_MS);
      idleMiB.push(process.residentMiB());
      await process.stop();
    }
  }
  return { readyMs: spreadOf(readyMs), idleMiB: spreadOf(idleMiB) };
}
