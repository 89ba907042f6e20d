import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Network = [Address, number]

/**
 * Addresses at which clouds give credentials to any process that asks. Link-local ones are those of most clouds; the others are of
 * Azure, Alibaba, Oracle and AWS.
 */
const metadata: Network[] = [
  '169.254.0.0/16',
  'fe80::/10',
  '168.63.129.16/32',
  '100.100.100.200/32',
  '192.0.0.192/32',
  'fd00:ec2::/32',
  'fd20:ce::/32',
].map((network) => ipaddr.parseCIDR(network))

/** Public IPv6 addresses (RFC 4291); the rest of the space is reserved. */
const globalUnicast: Network = ipaddr.parseCIDR('2000::/3')
const nat64: Network = ipaddr.parseCIDR('64:ff9b::/96')
const sixToFour: Network = ipaddr.parseCIDR('2002::/16')

const isWithin = (address: Address, [network, bits]: Network): boolean =>
  address.kind() === network.kind() && address.match(network, bits)

const ipv4At = (address: ipaddr.IPv6, byte: number): ipaddr.IPv4 =>
  new ipaddr.IPv4(address.toByteArray().slice(byte, byte + 4))

/** The IPv4 address that packets to an IPv6 address end up at, if there is one. */
const unwrap = (address: Address): Address => {
  if (!(address instanceof ipaddr.IPv6)) return address
  if (address.isIPv4MappedAddress()) return address.toIPv4Address()
  if (isWithin(address, nat64)) return ipv4At(address, 12)
  return isWithin(address, sixToFour) ? ipv4At(address, 2) : address
}

const isPublic = (address: Address): boolean =>
  address.range() === 'unicast' && (address instanceof ipaddr.IPv4 || isWithin(address, globalUnicast))

/** Parses a network in CIDR notation. @throws Error */
export const parseNetwork = (text: string): Network => ipaddr.parseCIDR(text)

/** Whether a network has addresses of this machine. */
export const isLoopbackNetwork = ([address]: Network): boolean => {
  const range = unwrap(address).range()
  return range === 'loopback' || range === 'unspecified'
}

/**
 * Creates the check of an address that a webhook connects to: it must be public, or in one of the allowed networks. Addresses of cloud
 * metadata are always refused.
 * @param networks in CIDR notation
 */
export const createAddressCheck = (networks: readonly string[]) => {
  const allowed = networks.map(parseNetwork)
  return (text: string): boolean => {
    if (isIP(text) === 0 || text.includes('%')) return false
    const address = unwrap(ipaddr.parse(text))
    if (metadata.some((network) => isWithin(address, network))) return false
    return isPublic(address) || allowed.some((network) => isWithin(address, network))
  }
}
export type AddressCheck = ReturnType<typeof createAddressCheck>
