/** WebAssembly that the build makes: compiled once a thread, and always optional. */
import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { compiledFile } from './paths.js';

/**
 * The compiled module of a file beside the module at `moduleUrl`, null where it cannot be used: then everything is done in
 * TypeScript, with the same results.
 */
export function compileWasm(moduleUrl: string, name: string): WebAssembly.Module | null {
  // Views of the memory are typed arrays, which have the byte order of the machine.
  if (endianness() !== 'LE') return null;
  try {
    return new WebAssembly.Module(readFileSync(compiledFile(moduleUrl, name)));
  } catch {
    return null;
  }
}
