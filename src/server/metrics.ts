/** Metrics in the terms of Prometheus: base units, `_total` for counters, routes by template. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { Queue, type QueueState } from '../store/queue.js';
import type { Workspace } from '../store/workspace.js';

/** Entries of all queues of a workspace, by state. */
export async function countQueueEntries(workspace: Workspace): Promise<Record<QueueState, number>> {
  const counts = { ready: 0, leased: 0, done: 0, failed: 0 };
  for (const dataset of await workspace.listDatasets()) {
    for (const { state } of await new Queue(workspace.dataset(dataset).queue).list()) counts[state] += 1;
  }
  return counts;
}

export interface RequestLabels {
  readonly method: string;
  readonly route: string;
  readonly status: number;
}

/** Methods that get a series of their own; a client can send any word. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

export class ServiceMetrics {
  readonly registry = new Registry();
  private readonly requests = new Histogram({
    name: 'tokenmill_http_request_duration_seconds',
    help: 'Time from a request to the head of its response.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [this.registry],
  });
  private readonly inFlight = new Gauge({
    name: 'tokenmill_http_requests_in_flight',
    help: 'Requests whose response has not begun.',
    registers: [this.registry],
  });
  /** Bytes of uploads that were written, by protocol: `tus` or `put`. */
  readonly uploadBytes = new Counter({
    name: 'tokenmill_upload_bytes_total',
    help: 'Bytes of uploads that were written to disk.',
    labelNames: ['protocol'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Starts the clock of a request; the result stops it. */
  startRequest(): (labels: RequestLabels) => void {
    this.inFlight.inc();
    const stop = this.requests.startTimer();
    return ({ method, route, status }) => {
      this.inFlight.dec();
      stop({ method: METHODS.has(method) ? method : 'other', route, status });
    };
  }

  /**
   * A gauge that is counted when it is asked for: `count` gives its value by label, for example jobs by state.
   * Its values are replaced each time, so that a label that went away is not shown any more.
   */
  gauge(
    name: string,
    help: string,
    label: string,
    count: () => Promise<Readonly<Record<string, number>>>,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      async collect() {
        this.reset();
        for (const [value, number] of Object.entries(await count())) this.set({ [label]: value }, number);
      },
    });
  }

  async text(): Promise<string> {
    return this.registry.metrics();
  }
}
