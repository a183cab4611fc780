/**
 * A sign of life of a process that other containers on the same kernel see, whatever process ids they know: a Unix domain
 * socket in a folder that they share. The kernel refuses a connection once the process is gone, however it ended.
 */
import { connect, createServer, type Server } from 'node:net';

/** Longest address of a socket on macOS, the shortest of all. A longer one would be cut off and mean another file. */
const MAX_PATH_BYTES = 103;
/** The kernel answers at once; more is a file system that does not. */
const ANSWER_MS = 2_000;

export class Beacon {
  private readonly server: Server;

  /** Undefined where there can be none: a path that is too long, or a file system without sockets. */
  static async light(path: string): Promise<Beacon | undefined> {
    // Windows knows named pipes in its place, which are in no folder.
    if (process.platform === 'win32' || Buffer.byteLength(path) > MAX_PATH_BYTES) return undefined;
    const server = createServer((socket) => socket.destroy());
    const lit = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(path, () => resolve(true));
    });
    // It keeps no process alive.
    server.unref();
    return lit ? new Beacon(server) : undefined;
  }

  private constructor(server: Server) {
    this.server = server;
  }

  /** Removes the socket too. */
  async extinguish(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Whether the process behind a beacon of this kernel lives; undefined where that cannot be told. */
export async function isLit(path: string): Promise<boolean | undefined> {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return undefined;
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.setTimeout(ANSWER_MS, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ECONNREFUSED' ? false : undefined),
    );
  });
}
