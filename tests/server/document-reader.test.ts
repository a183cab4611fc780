import { onTestFinished, expect, test } from 'vitest';
import { DocumentReader } from '../../src/server/document-reader.js';

const patient = new AbortController().signal;

function openReader(): DocumentReader {
  const reader = new DocumentReader();
  onTestFinished(() => reader.close());
  return reader;
}

test('runs four at a time, however many come and whenever', async () => {
  const reader = openReader();
  let running = 0;
  let most = 0;
  const done: number[] = [];
  const one = (index: number): Promise<void> =>
    reader.run(patient, async (connection) => {
      running += 1;
      most = Math.max(most, running);
      await connection.run('SELECT 1');
      running -= 1;
      done.push(index);
    });
  const first = Array.from({ length: 12 }, (_, index) => one(index));
  // Some come at the moment in which others leave.
  const later = first.map((ended, index) => ended.then(() => one(12 + index)));
  await Promise.all(later);
  expect(most).toBe(4);
  expect(done.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 24 }, (_, index) => index));
});

test('a failure gives the place back', async () => {
  const reader = openReader();
  for (let i = 0; i < 6; i++) {
    await expect(reader.run(patient, (connection) => connection.run('SELECT nothing'))).rejects.toThrow(
      'nothing',
    );
  }
  expect(await reader.run(patient, async () => 'done')).toBe('done');
});

test('the statement of a client that goes is interrupted', async () => {
  const reader = openReader();
  const client = new AbortController();
  const endless = reader.run(client.signal, (connection) =>
    connection.run('SELECT max(a.range * b.range) FROM range(10000000) a, range(10000000) b'),
  );
  await reader.run(patient, (connection) => connection.run('SELECT 1'));
  client.abort();
  await expect(endless).rejects.toThrow('INTERRUPT');
});
