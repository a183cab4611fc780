/**
 * What the tests of the service share: the application on a temporary workspace, called without a socket, each response
 * checked against the OpenAPI document that the application itself gives out; and the real service as a child process.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect, onTestFinished } from 'vitest';
import { listFolder } from '../../src/core/files.js';
import { createApp } from '../../src/server/app.js';
import { createContext, type App, type ServerContext } from '../../src/server/context.js';
import { openApiDocument } from '../../src/server/routes/service.js';
import { serverSettingsSchema } from '../../src/server/settings.js';
import { Workspace } from '../../src/store/workspace.js';
import { MAIN } from '../support/cli.js';

export interface TestApi {
  readonly app: App;
  readonly context: ServerContext;
  readonly workspace: Workspace;
  /** What the service logged. */
  readonly logged: string[];
  /** Sends a request, `path` with its query, and checks the response against the document. */
  request(method: string, path: string, init?: RequestOptions): Promise<Response>;
  /** The same, for a response that must be JSON of this status. */
  json<Body = Record<string, unknown>>(
    method: string,
    path: string,
    init?: RequestOptions & { readonly status?: number },
  ): Promise<Body>;
  /** The same, for an error: its problem details, which must have this code. */
  problem(method: string, path: string, code: string, init?: RequestOptions): Promise<Problem>;
  /** Entries of the audit log, in order. */
  audited(): Promise<Record<string, unknown>[]>;
}

export interface RequestOptions {
  readonly headers?: Record<string, string>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: RequestInit['body'];
  readonly signal?: AbortSignal;
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly hint?: string;
  readonly instance: string;
}

export interface TestApiOptions {
  /** A workspace that exists; without it an empty one, which goes when the test ends. */
  readonly workspace?: string;
  /** Settings as flags. */
  readonly settings?: Record<string, unknown>;
  /** A program in place of the command line that works on jobs. */
  readonly jobCommand?: readonly [string, ...string[]];
  /** For several tests: whoever asks for it closes its context. */
  readonly shared?: boolean;
}

/** An empty folder that goes when the test ends. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-server-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The application on a workspace. Its context closes when the test ends, unless it is shared. */
export async function testApi(options: TestApiOptions = {}): Promise<TestApi> {
  const workspace = new Workspace(options.workspace ?? (await testFolder()));
  const logged: string[] = [];
  const context = await createContext({
    workspace,
    settings: serverSettingsSchema.parse(options.settings ?? {}),
    log: (message) => void logged.push(message),
    jobCommand: options.jobCommand,
  });
  if (options.shared !== true) onTestFinished(() => context.close());
  const app = createApp(context);
  const check = responseCheck(app);
  const request: TestApi['request'] = async (method, path, init = {}) => {
    const headers = new Headers({ host: 'localhost', ...init.headers });
    if (init.json !== undefined && !headers.has('content-type'))
      headers.set('content-type', 'application/json');
    const body = init.json === undefined ? init.body : JSON.stringify(init.json);
    // `duplex` is what fetch asks for where the body is a stream.
    const sent = { method, headers, body, signal: init.signal, duplex: 'half' as const };
    const response = await app.request(`http://localhost${path}`, sent);
    await check(method, path, response);
    return response;
  };
  return {
    app,
    context,
    workspace,
    logged,
    request,
    async json<Body>(method: string, path: string, init: RequestOptions & { status?: number } = {}) {
      const response = await request(method, path, init);
      const text = await response.text();
      expect(response.status, text).toBe(init.status ?? 200);
      return JSON.parse(text) as Body;
    },
    async problem(method, path, code, init) {
      const response = await request(method, path, init);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      const problem = (await response.json()) as Problem;
      expect(problem).toMatchObject({ code, status: response.status });
      return problem;
    },
    async audited() {
      const { folder } = context.audit;
      const days = await Promise.all(
        (await listFolder(folder)).map((name) => readFile(join(folder, name), 'utf8')),
      );
      const lines = days.join('').trimEnd().split('\n');
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

interface Operation {
  readonly responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

type Document = Record<string, unknown> & { readonly paths: Record<string, Record<string, Operation>> };

/**
 * Checks that a response has a status and a media type that the document names for the operation, and, where it is
 * JSON, that it fits the schema. Paths that the document does not have must answer with a problem.
 */
function responseCheck(app: App): (method: string, path: string, response: Response) => Promise<void> {
  const document = JSON.parse(JSON.stringify(openApiDocument(app))) as Document;
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, 'openapi');
  const validators = new Map<string, ValidateFunction>();
  const validator = (pointer: string): ValidateFunction => {
    const found = validators.get(pointer) ?? ajv.compile({ $ref: `openapi#${pointer}` });
    validators.set(pointer, found);
    return found;
  };
  return async (method, path, response) => {
    const what = `${method} ${path} -> ${response.status}`;
    const { pathname } = new URL(path, 'http://localhost');
    const template = matchTemplate(Object.keys(document.paths), pathname);
    const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
    const operation = template === undefined ? undefined : document.paths[template][verb];
    const media = response.headers.get('content-type')?.split(';')[0].trim();
    let pointer = '/components/schemas/Problem';
    if (operation !== undefined) {
      const declared = operation.responses[String(response.status)];
      expect(declared, `${what} is not in the document`).toBeDefined();
      const types = declared.content ?? {};
      if (method === 'HEAD' || (response.body === null && Object.keys(types).length === 0)) return;
      const type = Object.keys(types).find((name) => name === media);
      expect(type, `${what} is ${media}, the document says ${Object.keys(types).join(', ')}`).toBeDefined();
      if (types[type as string].schema === undefined) return;
      const steps = [
        'paths',
        template as string,
        verb,
        'responses',
        String(response.status),
        'content',
        type as string,
      ];
      pointer = `/${[...steps, 'schema'].map(escapePointer).join('/')}`;
    } else if (response.status < 400 || media !== 'application/problem+json') {
      return;
    }
    if (media === undefined || !/^application\/(?:[\w.-]+\+)?json$/.test(media)) return;
    const validate = validator(pointer);
    const valid = validate(await response.clone().json());
    expect(valid, `${what}: ${ajv.errorsText(validate.errors)}`).toBe(true);
  };
}

function escapePointer(step: string): string {
  return encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** The template of the document that a path fits; of several, the one with the fewest parameters. */
function matchTemplate(templates: readonly string[], path: string): string | undefined {
  const parameters = (template: string): number => template.split('{').length;
  return templates
    .filter((template) => {
      const pattern = template.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{[^}]+\}/g, '[^/]+');
      return new RegExp(`^${pattern}$`).test(path);
    })
    .sort((a, b) => parameters(a) - parameters(b))[0];
}

export interface TestService {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it wrote on stderr so far. */
  stderr(): string;
  /** Resolves with exit status and signal when it has ended. */
  readonly ended: Promise<{ status: number | null; signal: NodeJS.Signals | null }>;
}

export interface TestServiceOptions {
  readonly workspace: string;
  readonly arguments?: readonly string[];
  readonly environment?: Record<string, string>;
  /** A program and its arguments that runs the command line behind them, in the same process. */
  readonly launcher?: readonly string[];
}

/** Starts the compiled service as a process of its own on a free port of loopback; it is killed when the test ends. */
export async function startTestService(options: TestServiceOptions): Promise<TestService> {
  const args = ['serve', '--workspace', options.workspace, '--port', '0', ...(options.arguments ?? [])];
  const [program, ...rest] = [...(options.launcher ?? []), process.execPath, MAIN, ...args];
  const child = spawn(program, rest, {
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal }));
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const url = await new Promise<string>((resolve, reject) => {
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const found = /^listening on (\S+)$/m.exec(stdout);
      if (found !== null) resolve(found[1]);
    });
    void ended.then(() => reject(new Error(`the service did not start: ${stderr}`)));
  });
  return { url, child, stderr: () => stderr, ended };
}
