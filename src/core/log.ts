/** Messages for a person, on stderr: stdout carries results only. */
export type Log = (message: string) => void;

export const stderrLog: Log = (message) => {
  process.stderr.write(`${message}\n`);
};

export const silentLog: Log = () => undefined;
