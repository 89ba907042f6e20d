import { BlockList, isIP } from 'node:net'

const privateRanges = new BlockList()
for (const [range, bits] of [
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  privateRanges.addSubnet(range, bits, 'ipv4')
privateRanges.addSubnet('fc00::', 7, 'ipv6')
privateRanges.addSubnet('fe80::', 10, 'ipv6')
privateRanges.addAddress('::1', 'ipv6')

/** Names that no public DNS has: names without a dot, those of Kubernetes, and the reserved ones (RFC 6761, RFC 6762). */
const privateName = /^[^.]+$|\.(?:svc|local|internal|localhost|test)$/

const isPrivateHost = (hostname: string): boolean => {
  const host = hostname.replace(/^\[|\]$/g, '')
  const version = isIP(host)
  if (version === 0) return privateName.test(host)
  return privateRanges.check(host, version === 4 ? 'ipv4' : 'ipv6')
}

/** Addresses that browsers and other networks use, wherever they lead. */
const publicKeys = new Set(['publicUrl', 'keycloakIssuer', 'corsOrigins', 'frontEndOrigins'])

const isPlain = (key: string, value: string): boolean => {
  if (!/^(?:http|amqp):\/\//i.test(value) || !URL.canParse(value)) return false
  return publicKeys.has(key) || !isPrivateHost(new URL(value).hostname)
}

/**
 * Returns the keys whose addresses would send tokens or data in plain text through networks of others: `http` for public
 * addresses, and `http` or `amqp` for hosts outside private networks.
 */
export const plainAddresses = (values: Record<string, string>): string[] =>
  Object.keys(values).filter((key) => values[key]?.split(',').some((value) => isPlain(key, value.trim())))
