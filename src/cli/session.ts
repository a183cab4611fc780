/** A query session on the workspace, as the commands that ask in SQL use it. */
import { SIGNALS } from '../filters/signals/index.js';
import { QuerySession } from '../store/query/session.js';
import { openWorkspace } from './context.js';

export interface SessionFlags {
  readonly workspace?: string;
  readonly dataset?: string;
  readonly allowFiles?: boolean;
}

/** @throws TokenmillError DATASET_NOT_FOUND, DATASET_CORRUPT */
export async function openSession({ workspace, dataset, allowFiles }: SessionFlags): Promise<QuerySession> {
  const session = await QuerySession.open({
    workspace: openWorkspace({ workspace }).root,
    dataset,
    signals: SIGNALS.map(({ name, type }) => ({ name, type })),
    allowFiles,
  });
  try {
    await session.prepare();
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}
