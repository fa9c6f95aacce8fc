import type { ApolloServerOptions } from '@apollo/server';
import type { DocumentNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Context } from './context';

/**
 * What is kept of documents, where something is: so many of them, and so many characters of their texts. A parsed document
 * takes some hundred bytes for each, and whoever can send one can send a hundred thousand.
 */
const BOUNDS = { max: 1_000, maxSize: 250_000 };

/** Makes a store for what is known of documents, by their texts. */
export function createDocumentCache<Known extends object>(): LRUCache<string, Known> {
  return new LRUCache<string, Known>({ ...BOUNDS, sizeCalculation: (_known, text) => text.length + 1 });
}

/**
 * Makes the store of documents that were parsed and validated. Apollo's own counts 30 MiB of JSON, which stands for half a GiB
 * of memory.
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
