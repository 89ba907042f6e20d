import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6, type Socket } from 'node:net'

const normalise = (value: string): string => {
  const unbracketed = /^\[([\da-f:.]+)\](?::\d+)?$/i.exec(value)?.[1] ?? /^([\d.]+):\d+$/.exec(value)?.[1] ?? value
  return unbracketed.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}

const bySocket = new WeakMap<object, string>()
/** The address of the other side of a connection. */
export const socketAddress = (socket: Socket): string => {
  let address = bySocket.get(socket)
  if (address === undefined) {
    address = normalise(socket.remoteAddress ?? '')
    bySocket.set(socket, address)
  }
  return address
}

/**
 * The client's address: that of the socket or, behind trusted proxies, the entry of `X-Forwarded-For` that the outermost
 * trusted proxy added. Earlier entries are ignored, since a client can forge them.
 */
export const clientAddress = (req: IncomingMessage, trustedProxies: number): string => {
  const socket = socketAddress(req.socket)
  const header = req.headers['x-forwarded-for']
  if (trustedProxies === 0 || typeof header !== 'string') return socket
  const hops = header
    .split(',')
    .slice(-trustedProxies)
    .map((hop) => normalise(hop.trim()))
  const lastInvalid = hops.findLastIndex((hop) => isIP(hop) === 0)
  return hops[lastInvalid + 1] ?? socket
}

/**
 * The networks that an address is counted by, the narrowest first: an IPv4 address by itself, an IPv6 address by its /64, /56 and
 * /48. A subscriber usually has a /64 or a /56, and a /48 is easy to get, so that counting single addresses would limit nobody.
 */
export const networksOf = (address: string): readonly [string, ...string[]] => {
  if (!address.includes(':') || !isIPv6(address)) return [address]
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(8 - left.length - right.length, 0)).fill('0')
  const [a, b, c, d] = [...left, ...zeros, ...right].map((part) => part.toLowerCase().replace(/^0+(?=.)/, ''))
  // A part has four digits, and a /56 has the first two of the fourth part.
  const half = d?.slice(0, -2) ?? ''
  return [`${a}:${b}:${c}:${d}::/64`, `${a}:${b}:${c}:${half === '' ? '0' : `${half}00`}::/56`, `${a}:${b}:${c}::/48`]
}

/**
 * How many times the limit of one address each network of {@link networksOf} may reach. A /48 may belong to a whole site, as one
 * IPv4 address may.
 */
export const networkFactors = [1, 2, 8] as const
