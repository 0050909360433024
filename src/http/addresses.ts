// Which hosts are this machine, and which are inside a network or a cloud's metadata service.
import { BlockList, isIP } from 'node:net';

const PRIVATE = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local, and with it 169.254.169.254, the metadata service of most clouds.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6');
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

const LINK_LOCAL = new BlockList();
LINK_LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6');
// The metadata service of EC2, by IPv6.
LINK_LOCAL.addAddress('fd00:ec2::254', 'ipv6');

const METADATA_NAMES = new Set(['metadata', 'metadata.google.internal', 'instance-data']);

/** Whether a host name, as `URL.hostname` has it, is this machine: 127.0.0.0/8, ::1 or localhost. */
export function isLoopback(hostname: string): boolean {
  return plain(hostname) === 'localhost' || isListed(LOOPBACK, plain(hostname));
}

/**
 * Whether a host name, as `URL.hostname` has it, is an address of a private network, of this machine, or of a cloud's
 * metadata service (RFC 1918, 3927, 4193, 6598). Names are not looked up.
 */
export function isPrivate(hostname: string): boolean {
  const host = plain(hostname);
  return host === 'localhost' || host.endsWith('.localhost') || METADATA_NAMES.has(host) || isListed(PRIVATE, host);
}

/** Whether a host name or an address is link-local, or that of a cloud's metadata service. Names are not looked up. */
export function isLinkLocal(hostname: string): boolean {
  const host = plain(hostname);
  return METADATA_NAMES.has(host) || isListed(LINK_LOCAL, host);
}

function plain(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

function isListed(list: BlockList, host: string): boolean {
  const family = isIP(host);
  // A BlockList matches IPv4 rules against IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) too.
  return family !== 0 && list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
