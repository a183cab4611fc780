/**
 * Which addresses of the network may be reached. Who gives an address over HTTP to a service must not make it ask the
 * machines beside it, so there only public addresses may be (`isPublicAddress`); who types a command may name any.
 *
 * Invariant: what is checked is what is connected to. A name is resolved once, its addresses are checked, and the
 * connection takes one of those, so a name that changes what it stands for in between gains nothing. Each redirect
 * is a new connection and is checked like the first.
 */
import { lookup as resolve, type LookupAddress } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { TokenmillError } from '../../../core/errors.js';

/** Whether an IP address may be connected to. */
export type AddressRule = (address: string) => boolean;

export const anyAddress: AddressRule = () => true;

/** IPv4 ranges that are not of the public network (RFC 6890 and the registry of the IANA that it began). */
const SPECIAL_V4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const;

/** Ranges inside 2000::/3, all that is public of IPv6, that are not; tunnels among them hide IPv4 addresses. */
const SPECIAL_V6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const special = new BlockList();
for (const [network, prefix] of SPECIAL_V4) special.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of SPECIAL_V6) special.addSubnet(network, prefix, 'ipv6');
const unicast = new BlockList();
unicast.addSubnet('2000::', 3, 'ipv6');

/** Whether an IP address belongs to the public network; false for what is no address. An `AddressRule`. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, 'ipv4');
    case 6:
      return unicast.check(address, 'ipv6') && !special.check(address, 'ipv6');
    default:
      return false;
  }
}

function forbidden(host: string, address: string): TokenmillError {
  const what = host === address ? address : `${host}, which is ${address},`;
  return new TokenmillError('ADDRESS_FORBIDDEN', `${what} is not an address that may be reached`, {
    hint: 'only addresses of the public network are allowed here; tokenmill ingest on the command line may name any, and a service that was started with --allow-private-addresses',
  });
}

/** Checks the host of an address that needs no resolution. @throws TokenmillError ADDRESS_FORBIDDEN */
export function checkHost(host: string, rule: AddressRule): void {
  const address = host.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0 && !rule(address)) throw forbidden(address, address);
}

/** Resolves names for a connection; fails with ADDRESS_FORBIDDEN where one of their addresses may not be reached. */
export function checkedLookup(rule: AddressRule): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found: LookupAddress[]) => {
      const wrong = found?.find(({ address }) => !rule(address));
      if (error !== null) callback(error, '', 0);
      else if (wrong !== undefined) callback(forbidden(host, wrong.address), '', 0);
      else if (options.all === true) callback(null, found);
      else callback(null, found[0].address, found[0].family);
    });
  };
}
