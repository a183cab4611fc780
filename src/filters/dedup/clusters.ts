/**
 * Clusters of duplicates: the connected components of documents that share a key with the first one that has it.
 *
 * First wins decides pair by pair and never looks at clusters; they show what it had to decide about. Every document
 * that shares a band with another is connected to the band's first holder, so these are the components of the whole
 * graph. Memory grows with the documents that have a duplicate, 16 bytes or so each, not with all documents.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { findCandidates } from './batch.js';

export interface Cluster {
  /** Ordinals of its documents, in order; the first is the one that counts. */
  readonly ordinals: readonly number[];
}

/** Clusters of two and more, the largest first, of equal ones the one that begins first. */
export async function findClusters(
  connection: DuckDBConnection,
  source: string,
  partitions = 1,
): Promise<Cluster[]> {
  await findCandidates(connection, source, partitions);
  const result = await connection.stream(
    'SELECT DISTINCT ordinal::DOUBLE, first::DOUBLE FROM dedup_candidates ORDER BY 1, 2',
  );
  const parents = new Map<number, number>();
  for await (const rows of result.yieldRowsJs()) {
    for (const [ordinal, first] of rows as [number, number][]) {
      const [a, b] = [rootOf(parents, ordinal), rootOf(parents, first)];
      // The smaller ordinal is the root, so a root is the first of its cluster.
      if (a !== b) parents.set(Math.max(a, b), Math.min(a, b));
    }
  }
  const members = new Map<number, number[]>();
  for (const ordinal of new Set([...parents.keys(), ...parents.values()])) {
    const root = rootOf(parents, ordinal);
    const list = members.get(root);
    if (list === undefined) members.set(root, [ordinal]);
    else list.push(ordinal);
  }
  return [...members.values()]
    .map((ordinals) => ({ ordinals: ordinals.sort((a, b) => a - b) }))
    .sort((a, b) => b.ordinals.length - a.ordinals.length || a.ordinals[0] - b.ordinals[0]);
}

/** Number of clusters of each size, from the smallest. */
export function clusterSizes(clusters: readonly Cluster[]): { size: number; clusters: number }[] {
  const counts = new Map<number, number>();
  for (const { ordinals } of clusters) counts.set(ordinals.length, (counts.get(ordinals.length) ?? 0) + 1);
  return [...counts].map(([size, count]) => ({ size, clusters: count })).sort((a, b) => a.size - b.size);
}

/** Root of a document, with the path to it halved. */
function rootOf(parents: Map<number, number>, ordinal: number): number {
  let node = ordinal;
  for (;;) {
    const parent = parents.get(node);
    if (parent === undefined) return node;
    const grandparent = parents.get(parent);
    if (grandparent !== undefined) parents.set(node, grandparent);
    node = parent;
  }
}
