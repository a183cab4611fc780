/** Messages on stderr, for a person or for the program that reads reports: stdout carries results only. */
import { reportsAreJson, writeReport } from './reports.js';

export type Log = (message: string) => void;

export const stderrLog: Log = (message) => {
  if (reportsAreJson()) writeReport({ type: 'log', message });
  else process.stderr.write(`${message}\n`);
};

export const silentLog: Log = () => undefined;
