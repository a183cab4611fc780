/**
 * What every route works with. One context serves one workspace for the life of the process.
 *
 * Invariant: `closing` aborts when the service begins to stop; whatever runs longer than a request (event streams,
 * jobs) ends by it. `close` follows when the requests under way have finished.
 */
import type { HttpBindings } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { stderrLog, type Log } from '../core/log.js';
import { DatasetIndexes } from '../store/dataset-index.js';
import type { Workspace } from '../store/workspace.js';
import { AuditLog } from './access/audit.js';
import { loadTokens, type Identity, type Scope, type TokenTable } from './access/tokens.js';
import { DocumentReader } from './document-reader.js';
import { CorpusStore } from './corpora/store.js';
import { ServiceMetrics } from './metrics.js';
import type { ServerSettings } from './settings.js';

export interface ServerContext {
  readonly workspace: Workspace;
  readonly settings: ServerSettings;
  readonly log: Log;
  readonly tokens: TokenTable;
  readonly audit: AuditLog;
  readonly metrics: ServiceMetrics;
  readonly indexes: DatasetIndexes;
  readonly documents: DocumentReader;
  readonly corpora: CorpusStore;
  readonly closing: AbortSignal;
  /** Aborts `closing`. */
  beginClosing(): void;
  /** Resolves when nothing of the context runs any more. Called when no request is under way any more. */
  close(): Promise<void>;
}

/** What the middleware leaves for the routes: `c.get('identity')`, `c.get('requestId')`. */
export interface AppEnv {
  Variables: { identity: Identity; requestId: string; scope: Scope | undefined };
  /** Absent where a request did not come over a socket. */
  Bindings: HttpBindings | undefined;
}

export type App = OpenAPIHono<AppEnv>;

export interface ContextOptions {
  readonly workspace: Workspace;
  readonly settings: ServerSettings;
  readonly log?: Log;
}

/** @throws TokenmillError CONFIG_INVALID where the tokens cannot be used, or none is set and the host is not loopback */
export async function createContext(options: ContextOptions): Promise<ServerContext> {
  const { workspace, settings, log = stderrLog } = options;
  const tokens = await loadTokens(settings, log);
  const corpora = await CorpusStore.open({
    folder: workspace.uploads,
    log,
    quota: settings.uploadQuota,
    maxFile: settings.uploadMaxFile,
    keepFree: settings.uploadKeepFree,
    expirySeconds: settings.uploadExpiry,
  });
  const closing = new AbortController();
  const documents = new DocumentReader();
  return {
    workspace,
    settings,
    log,
    tokens,
    audit: new AuditLog(workspace),
    metrics: new ServiceMetrics(),
    indexes: new DatasetIndexes(workspace),
    documents,
    corpora,
    closing: closing.signal,
    beginClosing: () => closing.abort(),
    async close() {
      closing.abort();
      await documents.close();
      await corpora.close();
    },
  };
}
