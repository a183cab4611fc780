import { expect, test } from 'vitest';
import { hostName, isHostAllowed, isOriginAllowed } from '../../../src/server/access/hosts.js';

test.each([
  ['localhost', 'localhost'],
  ['LOCALHOST:8080', 'localhost'],
  ['127.0.0.1:1', '127.0.0.1'],
  ['[::1]:8080', '::1'],
  ['[::1]', '::1'],
  ['example.org:443', 'example.org'],
  ['', undefined],
  ['a b', undefined],
  ['localhost:', undefined],
  ['localhost:999999', undefined],
  ['localhost@evil.example', undefined],
  ['localhost/evil', undefined],
])('the name of Host %j is %j', (header, name) => {
  expect(hostName(header)).toBe(name);
});

test.each([
  // bound to loopback: only names of loopback, and those that are allowed
  ['localhost:8080', '127.0.0.1', [], true],
  ['127.0.0.1', '127.0.0.1', [], true],
  ['[::1]:80', '::1', [], true],
  ['evil.example', '127.0.0.1', [], false],
  ['127.0.0.1.evil.example', '127.0.0.1', [], false],
  ['192.168.1.5', '127.0.0.1', [], false],
  ['mill.example', '127.0.0.1', ['Mill.example'], true],
  ['other.example', '127.0.0.1', ['mill.example'], false],
  [undefined, '127.0.0.1', [], false],
  // bound elsewhere: any name, or those that are allowed where some are
  ['anything.example', '0.0.0.0', [], true],
  ['anything.example', '0.0.0.0', ['mill.example'], false],
  ['mill.example', '0.0.0.0', ['mill.example'], true],
  ['localhost', '0.0.0.0', ['mill.example'], true],
])('Host %j, bound to %s, allowed %j: %j', (header, bound, allowed, expected) => {
  expect(isHostAllowed(header, bound, allowed)).toBe(expected);
});

test.each([
  [undefined, 'localhost:8080', [], true],
  ['http://localhost:8080', 'localhost:8080', [], true],
  ['https://mill.example', 'mill.example', [], true],
  ['http://localhost:8081', 'localhost:8080', [], false],
  ['http://evil.example', 'localhost:8080', [], false],
  ['null', 'localhost:8080', [], false],
  ['https://app.example', 'localhost:8080', ['https://app.example'], true],
  ['https://app.example.evil', 'localhost:8080', ['https://app.example'], false],
])('Origin %j at %s, allowed %j: %j', (origin, host, allowed, expected) => {
  expect(isOriginAllowed(origin, host, allowed)).toBe(expected);
});
