/**
 * Which operations of a session run on the CPU though another provider was asked for. onnxruntime tells only whether there
 * are any, before it makes the session; which they are is in the profile of a run.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';

/** Nodes of each type, by the names of ONNX. */
export type Fallbacks = ReadonlyMap<string, number>;

export interface WatchedSession {
  readonly session: InferenceSession;
  /** To be called once, after the first run. */
  readonly fallbacks: () => Promise<Fallbacks>;
}

/** Makes a session that has no node on the CPU, or one whose first run shows them. */
export async function createWatched(
  bytes: Uint8Array,
  options: InferenceSession.SessionOptions,
): Promise<WatchedSession> {
  const strict = { ...options, extra: { session: { disable_cpu_ep_fallback: '1' } } };
  try {
    return { session: await InferenceSession.create(bytes, strict), fallbacks: async () => new Map() };
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('fallback'))) throw error;
  }
  const folder = await mkdtemp(join(tmpdir(), 'tokenmill-profile-'));
  const profiled = { ...options, enableProfiling: true, profileFilePrefix: join(folder, 'run') };
  const session = await InferenceSession.create(bytes, profiled);
  return {
    session,
    async fallbacks() {
      session.endProfiling();
      const found = await readProfile(folder);
      await rm(folder, { recursive: true, force: true });
      return found;
    },
  };
}

interface ProfileEvent {
  readonly cat?: string;
  readonly name?: string;
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}

async function readProfile(folder: string): Promise<Fallbacks> {
  const [file] = await readdir(folder);
  const events = JSON.parse(await readFile(join(folder, file), 'utf8')) as ProfileEvent[];
  const counts = new Map<string, number>();
  for (const { cat, name, args } of events) {
    if (cat !== 'Node' || name?.endsWith('_kernel_time') !== true) continue;
    if (args?.provider !== 'CPUExecutionProvider') continue;
    const type = args.op_name ?? 'unknown';
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}
