/** Addresses by the registries of special-purpose addresses of the IANA (RFC 6890). */
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../../../src/ingest/sources/http/address-rule.js';
import { requestUrl } from '../../../../src/ingest/sources/http/request.js';
import { faultServer } from '../../../support/fault-server.js';

describe('isPublicAddress', () => {
  it.each(['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '172.15.0.1'])(
    'allows %s',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
  it.each(['172.32.0.1', '192.167.1.1', '223.255.255.255', '2606:4700::1111', '2a00:1450:4001::200e'])(
    'allows %s, too',
    (address) => expect(isPublicAddress(address)).toBe(true),
  );
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.255',
    // Where clouds have the secrets of a machine.
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.168.1.1',
    '198.19.0.1',
    '203.0.113.5',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '100::1',
    '2001:0:1::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'ff02::1',
    'localhost',
    '',
  ])('refuses %s', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('redirects', () => {
  it('are checked like the first address, before anything is sent', async () => {
    const server = await faultServer({
      '/number': (_q, r) => void r.writeHead(302, { location: server.url.replace('.0.0.1', '.0.0.2') }).end(),
      '/name': (_q, r) =>
        void r.writeHead(307, { location: server.url.replace('127.0.0.1', 'localhost') }).end(),
      '/cloud': (_q, r) =>
        void r.writeHead(301, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
      '/same': (_q, r) => void r.writeHead(302, { location: '/end' }).end(),
      '/end': (_q, r) => void r.end('the end'),
    });
    // In place of the public network: one address of loopback, which a literal has and a name must not lead to.
    let allowed = '127.0.0.1';
    const options = { rule: (address: string) => address === allowed, idleMs: 500 };
    for (const path of ['/number', '/cloud']) {
      await expect(requestUrl(server.url + path, options)).rejects.toMatchObject({
        code: 'ADDRESS_FORBIDDEN',
      });
    }
    // Allowed for the first connection only: the name is looked up for the second.
    const once = {
      idleMs: 500,
      rule(address: string): boolean {
        const isAllowed = address === allowed;
        allowed = 'none';
        return isAllowed;
      },
    };
    await expect(requestUrl(`${server.url}/name`, once)).rejects.toMatchObject({ code: 'ADDRESS_FORBIDDEN' });
    allowed = '127.0.0.1';
    const { status, body } = await requestUrl(`${server.url}/same`, options);
    body.destroy();
    expect([status, server.requests.filter((request) => request === 'GET /')]).toEqual([200, []]);
    await server.close();
  });
});
