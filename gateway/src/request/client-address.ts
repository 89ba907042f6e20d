import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6 } from 'node:net'

const plain = (value: string): string => {
  const unbracketed = /^\[([\da-f:.]+)\](?::\d+)?$/i.exec(value)?.[1] ?? /^([\d.]+):\d+$/.exec(value)?.[1] ?? value
  return unbracketed.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '')
}

const bySocket = new WeakMap<object, string>()
const socketAddress = ({ socket }: IncomingMessage): string => {
  let address = bySocket.get(socket)
  if (address === undefined) {
    address = plain(socket.remoteAddress ?? '')
    bySocket.set(socket, address)
  }
  return address
}

/**
 * The client's address: the socket's, or with `trustedProxies` proxies in front of the gateway the entry of
 * `X-Forwarded-For` that the outermost of them wrote. What a client puts before that is not believed.
 */
export const clientAddress = (req: IncomingMessage, trustedProxies: number): string => {
  const socket = socketAddress(req)
  const header = req.headers['x-forwarded-for']
  if (trustedProxies === 0 || typeof header !== 'string') return socket
  const hops = header
    .split(',')
    .slice(-trustedProxies)
    .map((hop) => plain(hop.trim()))
  const last = hops.findLastIndex((hop) => isIP(hop) === 0)
  return hops[last + 1] ?? socket
}

/** What a rate limit by address counts: the address, for IPv6 its /64 network, which is one customer line. */
export const addressKey = (address: string): string => {
  if (!address.includes(':') || !isIPv6(address)) return address
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : new Array<string>(Math.max(8 - left.length - right.length, 0)).fill('0')
  return `${[...left, ...zeros, ...right]
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}
