import { isIP } from 'node:net'

const hostPattern = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::\d*)?$/

/**
 * Returns a check of `Host` headers that protects against DNS rebinding: a page whose name points to this server for a moment
 * sends that name. IP addresses and `localhost` cannot be rebound, so they are always allowed; other names must be in `names`.
 * Ports are ignored.
 */
export const createHostCheck = (names: readonly string[]): ((host: string) => boolean) => {
  const known = new Set(['localhost', ...names.map((name) => name.toLowerCase())])
  return (host) => {
    const [, ipv6, name = ''] = hostPattern.exec(host.toLowerCase()) ?? []
    return ipv6 === undefined ? known.has(name) || isIP(name) === 4 : isIP(ipv6) === 6
  }
}
