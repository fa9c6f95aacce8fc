import type { ApolloServerOptions } from '@apollo/server';
import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Context } from './context';

/**
 * Bounds of a document cache: entries, and total characters of their sources. A parsed document takes some hundred bytes per
 * character, and a client can send documents of a hundred thousand characters.
 */
const BOUNDS = { max: 1_000, maxSize: 250_000 };

/** Creates a cache of values by the text of a document. */
export function createDocumentCache<Value extends object>(): LRUCache<string, Value> {
  return new LRUCache<string, Value>({ ...BOUNDS, sizeCalculation: (_value, text) => text.length + 1 });
}

/**
 * Creates Apollo Server's store of documents that were parsed and validated. Its default store is limited to 30 MiB of JSON,
 * which takes half a GiB of memory.
 */
export function createDocumentStore(): NonNullable<ApolloServerOptions<Context>['documentStore']> {
  const documents = new LRUCache<string, DocumentNode>({
    ...BOUNDS,
    sizeCalculation: ({ loc }) => (loc?.source.body.length ?? BOUNDS.maxSize) + 1,
  });
  return {
    get: (hash) => Promise.resolve(documents.get(hash)),
    set: (hash, document) => {
      documents.set(hash, document);
      return Promise.resolve();
    },
    delete: (hash) => Promise.resolve(documents.delete(hash)),
  };
}
