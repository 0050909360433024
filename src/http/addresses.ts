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
  // This machine, and IPv4 addresses inside IPv6 ones: compatible, NAT64 (RFC 6052, 8215), Teredo and 6to4 (RFC 3056).
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  // Link-local and, deprecated, site-local.
  ['fe80::', 9],
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
// Link-local IPv4 addresses inside IPv6 ones: IPv4-compatible, NAT64 (RFC 6052) and 6to4 (RFC 3056).
LINK_LOCAL.addSubnet('::169.254.0.0', 112, 'ipv6');
LINK_LOCAL.addSubnet('64:ff9b::169.254.0.0', 112, 'ipv6');
LINK_LOCAL.addSubnet('2002:a9fe::', 32, 'ipv6');
// Metadata services elsewhere: EC2 and Google by IPv6, Azure's wire server, Alibaba, Oracle.
for (const address of ['fd00:ec2::254', 'fd20:ce::254']) LINK_LOCAL.addAddress(address, 'ipv6');
for (const address of ['168.63.129.16', '100.100.100.200', '192.0.0.192']) LINK_LOCAL.addAddress(address, 'ipv4');

const METADATA_NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'instance-data',
]);

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
  return host === 'localhost' || host.endsWith('.localhost') || isLinkLocal(host) || isListed(PRIVATE, host);
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
