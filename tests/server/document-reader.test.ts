import { onTestFinished, expect, test } from 'vitest';
import { DocumentReader } from '../../src/server/document-reader.js';

const patient = new AbortController().signal;

function openReader(): DocumentReader {
  const reader = new DocumentReader();
  onTestFinished(() => reader.close());
  return reader;
}

test('runs four at a time, the others in the order in which they came', async () => {
  const reader = openReader();
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const one = (index: number): Promise<void> =>
    reader.run(patient, async (connection) => {
      running += 1;
      most = Math.max(most, running);
      order.push(index);
      await connection.run('SELECT 1');
      running -= 1;
    });
  const first = Array.from({ length: 12 }, (_, index) => one(index));
  // Some come at the moment in which others leave.
  const later = first.map((done, index) => done.then(() => one(12 + index)));
  await Promise.all(later);
  expect(most).toBe(4);
  // The first four open their connections side by side.
  expect(order.slice(0, 4).sort()).toEqual([0, 1, 2, 3]);
  expect(order.slice(4, 12)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
  expect(order).toHaveLength(24);
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
