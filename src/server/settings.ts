/** Settings of the service: flags > environment > file > defaults. Times are seconds, sizes bytes. */
import { z } from 'zod';
import { byteSize, integer } from '../core/config.js';

export const DEFAULT_PORT = 8080;

const flag = z.union([z.boolean(), z.stringbool()]);

/** A list given as one text with commas (flags, environment) or as an array (the file). */
const list = z.union([
  z.array(z.string().min(1)),
  z.string().transform((text) =>
    text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  ),
]);

export const serverSettingsSchema = z.object({
  host: z.string().min(1).default('127.0.0.1').describe('address to bind; other than loopback needs a token'),
  port: integer(0, 65_535).default(DEFAULT_PORT).describe('port to bind; 0 takes a free one'),
  token: z.string().optional().describe('a token with every scope; only TOKENMILL_TOKEN or the file set it'),
  tokenFile: z.string().optional().describe('JSON file of named tokens with scopes'),
  allowedOrigins: list.default([]).describe('web origins that may call the service, separated by commas'),
  allowedHosts: list.default([]).describe('further names that a request may give as its Host'),
  rateLimit: integer(0).default(6000).describe('requests a minute for a token or an address; 0 is no limit'),
  maxBody: byteSize.default(16_000_000).describe('largest body of a request that is not an upload'),
  uploadQuota: byteSize.default(1e12).describe('all uploads of the workspace together'),
  uploadMaxFile: byteSize.default(1e12).describe('largest file that is taken'),
  uploadKeepFree: byteSize.default(1e9).describe('space that uploads leave free on the file system'),
  uploadExpiry: integer(1)
    .default(86_400)
    .describe('seconds until an unfinished upload that nobody touches goes'),
  allowPrivateAddresses: flag
    .default(false)
    .describe('jobs may read addresses that are not of the public network'),
  concurrentJobs: integer(1, 64).default(2).describe('jobs that run at a time'),
  queuedJobs: integer(1, 100_000).default(100).describe('jobs that may wait'),
  generators: integer(1, 64).default(1).describe('processes that generate text, each with its models'),
  modelMemory: byteSize.default(2e9).describe('memory of the models that one of these holds'),
  generationSeconds: integer(1).default(120).describe('how long one generated text may take'),
  sqlProcesses: integer(1, 64).default(2).describe('queries in SQL that run at a time, each in a process'),
  sqlWaiting: integer(0, 100_000).default(500).describe('queries in SQL that may wait'),
  sqlTimeout: integer(1, 86_400).default(30).describe('seconds that a query may take'),
  sqlMemory: byteSize.default(512e6).describe('memory of a query before it spills to disk'),
  sqlSpill: byteSize.default(2e9).describe('disk that a query may spill to'),
  sqlMaxRows: integer(1).default(1_000_000).describe('rows of the result of a query'),
  sqlMaxBytes: byteSize.default(1e9).describe('size of the result of a query'),
  shutdownSeconds: integer(1, 3600).default(30).describe('how long a stop waits for what is under way'),
});

export type ServerSettings = z.output<typeof serverSettingsSchema>;
