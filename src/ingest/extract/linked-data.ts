/**
 * Author, date, site and language out of JSON-LD scripts (schema.org vocabulary). Scripts are what their authors made
 * of them: one that is no JSON is passed over, and only so many nodes are looked at.
 */

export interface LinkedData {
  readonly author?: string;
  readonly published?: string;
  readonly siteName?: string;
  readonly language?: string;
}

/** Nodes of all scripts of a page that are looked at. */
const MAX_NODES = 500;
const MAX_AUTHORS = 20;
const MAX_CHARS = 1000;

/** Types of a text that somebody wrote; of others only what no such text says is taken. */
const TEXT_TYPE = /(?:Article|Posting|Report|Recipe|Review|Answer|Question|HowTo|Chapter|Book|CreativeWork)$/;
/** Properties through which the nodes of a page are reached. */
const PATHS = ['@graph', 'mainEntity', 'mainEntityOfPage', 'itemListElement', 'hasPart'] as const;

type Node = Readonly<Record<string, unknown>>;

/** @param scripts contents of the scripts of a page, in order */
export function readLinkedData(scripts: readonly string[]): LinkedData {
  const nodes = scripts.flatMap(parse);
  // Breadth first, so that what the page is about comes before what it lists.
  for (let index = 0; index < nodes.length && nodes.length < MAX_NODES; index++) {
    for (const path of PATHS) nodes.push(...nodesOf(nodes[index][path]));
  }
  nodes.length = Math.min(nodes.length, MAX_NODES);
  const byId = new Map<unknown, Node>();
  for (const node of nodes)
    if (Object.keys(node).length > 1 && !byId.has(node['@id'])) byId.set(node['@id'], node);
  const texts = nodes.filter((node) => typesOf(node).some((type) => TEXT_TYPE.test(type)));
  const pages = nodes.filter((node) => typesOf(node).some((type) => type.endsWith('Page')));
  const first = (read: (node: Node) => string | undefined): string | undefined => {
    for (const node of [...texts, ...pages]) {
      const value = read(node);
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const site = nodes.find((node) => typesOf(node).includes('WebSite'));
  return {
    author: first((node) => namesOf(node['author'] ?? node['creator'], byId)),
    published: first((node) => textOf(node['datePublished'] ?? node['dateCreated'])),
    language: first((node) => textOf(node['inLanguage'])) ?? textOf(site?.['inLanguage']),
    siteName: textOf(site?.['name']) ?? first((node) => namesOf(node['publisher'], byId)),
  };
}

function parse(script: string): Node[] {
  try {
    return nodesOf(JSON.parse(script));
  } catch {
    return [];
  }
}

/** A value that is a node, or a list of nodes. */
function nodesOf(value: unknown): Node[] {
  const values: readonly unknown[] = Array.isArray(value) ? value.slice(0, MAX_NODES) : [value];
  return values.filter(isNode);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typesOf(node: Node): string[] {
  const type = node['@type'];
  return (Array.isArray(type) ? type : [type]).filter((name) => typeof name === 'string');
}

function textOf(value: unknown): string | undefined {
  const text: unknown = Array.isArray(value) ? value[0] : value;
  if (typeof text !== 'string' || text.trim() === '') return undefined;
  return text.trim().slice(0, MAX_CHARS);
}

/** Names of persons or organisations: texts, nodes with a name, or references to such nodes. */
function namesOf(value: unknown, byId: ReadonlyMap<unknown, Node>): string | undefined {
  const values: readonly unknown[] = Array.isArray(value) ? value.slice(0, MAX_AUTHORS) : [value];
  const names = values.map((item) => {
    if (!isNode(item)) return textOf(item);
    return textOf(item['name']) ?? textOf(byId.get(item['@id'])?.['name']);
  });
  const known = new Set(names.filter((name) => name !== undefined && !/^https?:/.test(name)));
  return known.size === 0 ? undefined : [...known].join(', ').slice(0, MAX_CHARS);
}
