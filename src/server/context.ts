/**
 * What every route works with. One context serves one workspace for the life of the process.
 *
 * Invariant: `closing` aborts when the service begins to stop; whatever runs longer than a request (event streams,
 * jobs) ends by it. `close` follows when the requests under way have finished.
 */
// First: it gives schemas their method `openapi`, and those that were made before would not have it.
import '@hono/zod-openapi';
import type { HttpBindings } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import { stderrLog, type Log } from '../core/log.js';
import { DatasetIndexes } from '../store/dataset-index.js';
import type { QueryPool } from '../store/query/pool.js';
import type { Workspace } from '../store/workspace.js';
import { AuditLog } from './access/audit.js';
import { loadTokens, type Identity, type Scope, type TokenTable } from './access/tokens.js';
import { DocumentReader } from './document-reader.js';
import { CorpusStore } from './corpora/store.js';
import { GenerationPool } from './generation/pool.js';
import { JobManager } from './jobs/manager.js';
import { countQueueEntries, ServiceMetrics } from './metrics.js';
import type { ServerSettings } from './settings.js';
import { openQueries } from './sql.js';
import { StreamCount } from './sse.js';
import { TokenizerThread } from './tokenizers/thread.js';

/** Streams of the events of jobs that may be open at a time. */
const MAX_FOLLOWERS = 1_000;
/** Texts that may wait for a generator. */
const MAX_WAITING_TEXTS = 64;

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
  readonly jobs: JobManager;
  readonly generation: GenerationPool;
  readonly sql: QueryPool;
  /** Clients that follow jobs. */
  readonly followers: StreamCount;
  readonly tokenizers: TokenizerThread;
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
  /** Program and first arguments of the command line that works on jobs; tests give another. */
  readonly jobCommand?: readonly [string, ...string[]];
}

/**
 * @throws TokenmillError CONFIG_INVALID where the tokens cannot be used, or none is set and the host is not loopback;
 *   SERVICE_LOCKED where another service runs on the workspace
 */
export async function createContext(options: ContextOptions): Promise<ServerContext> {
  const { workspace, settings, log = stderrLog } = options;
  const tokens = await loadTokens(settings, log);
  const metrics = new ServiceMetrics();
  // First: it makes sure that no other service runs on the workspace.
  const jobs = await JobManager.open({
    workspace,
    log,
    command: options.jobCommand,
    settings: {
      concurrency: settings.concurrentJobs,
      maxQueued: settings.queuedJobs,
      allowPrivateAddresses: settings.allowPrivateAddresses,
      // The rest of the time is for what has to be written down then.
      stopMs: settings.shutdownSeconds * 800,
    },
  });
  const corpora = await CorpusStore.open({
    folder: workspace.uploads,
    log,
    quota: settings.uploadQuota,
    maxFile: settings.uploadMaxFile,
    keepFree: settings.uploadKeepFree,
    expirySeconds: settings.uploadExpiry,
    onComplete: async ({ corpus, file, dataset }) =>
      (await jobs.create({ kind: 'ingest', corpus, files: [file], dataset })).id,
    onWritten: (protocol, bytes) => metrics.uploadBytes.inc({ protocol }, bytes),
  });
  metrics.gauge('tokenmill_queue_entries', 'Entries of the queues, by state.', 'state', () =>
    countQueueEntries(workspace),
  );
  metrics.gauge('tokenmill_uploads', 'Resumable uploads by state.', 'state', async () => corpora.counts());
  metrics.gauge(
    'tokenmill_upload_space_bytes',
    'Bytes of uploads: taken or promised, and the quota.',
    'of',
    async () => ({
      taken: corpora.space.taken,
      quota: corpora.space.limits.quota,
    }),
  );
  metrics.gauge('tokenmill_jobs', 'Jobs by state.', 'state', async () => jobs.counts());
  const followers = new StreamCount(MAX_FOLLOWERS);
  metrics.gauge('tokenmill_event_streams', 'Streams of events that are open.', 'of', async () => ({
    jobs: followers.open,
  }));
  const generation = new GenerationPool(workspace.root, {
    generators: settings.generators,
    maxWaiting: MAX_WAITING_TEXTS,
    modelBytes: settings.modelMemory,
    timeMs: settings.generationSeconds * 1000,
  });
  metrics.gauge('tokenmill_generations', 'Texts that are generated, and that wait.', 'state', async () => ({
    running: generation.busy,
    waiting: generation.queued,
  }));
  const sql = openQueries(workspace, settings);
  metrics.gauge('tokenmill_sql_queries', 'Queries in SQL by state.', 'state', async () => ({ ...sql.load }));
  const closing = new AbortController();
  // Whoever follows a job sees it stop; the streams end then.
  closing.signal.addEventListener('abort', () => {
    jobs.close().catch((error: Error) => log(`jobs: ${error.message}`));
  });
  const documents = new DocumentReader();
  const tokenizers = new TokenizerThread();
  return {
    workspace,
    settings,
    log,
    tokens,
    audit: new AuditLog(workspace),
    indexes: new DatasetIndexes(workspace),
    documents,
    corpora,
    metrics,
    jobs,
    generation,
    sql,
    followers,
    tokenizers,
    closing: closing.signal,
    beginClosing: () => closing.abort(),
    async close() {
      closing.abort();
      await jobs.close();
      const pools = [generation, documents, corpora, tokenizers, sql];
      await Promise.all(pools.map((pool) => pool.close()));
    },
  };
}
