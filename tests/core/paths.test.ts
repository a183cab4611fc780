import { expect, it } from 'vitest';
import { compiledFile } from '../../src/core/paths.js';

it('compiledFile finds what the build made, from source and from compiled modules', () => {
  expect(compiledFile('file:///a/src/b/src/ingest/x.ts', './worker.js')).toBe(
    '/a/src/b/dist/ingest/worker.js',
  );
  expect(compiledFile('file:///a/dist/ingest/x.js', './worker.js')).toBe('/a/dist/ingest/worker.js');
});
