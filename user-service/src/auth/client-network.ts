import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6 } from 'node:net'

/** The client's address as the gateway saw it: the last entry of `X-Forwarded-For`. */
export const clientAddressOf = (req: IncomingMessage): string | undefined => {
  const last =
    String(req.headers['x-forwarded-for'] ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? ''
  return isIP(last) === 0 ? undefined : last
}

/** The network that failures are counted by: an IPv4 address, or the /64 of an IPv6 address, which one subscriber has. */
export const networkOf = (address: string | undefined): string => {
  if (address === undefined || !isIPv6(address)) return address ?? 'unknown'
  // `URL` writes an address in its shortest form. The part before `::` is followed by zeros.
  const [head = '', tail = ''] = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1).split('::')
  const [left, right] = [head, tail].map((part) => (part === '' ? [] : part.split(':')))
  const groups = [
    ...(left ?? []),
    ...Array<string>(8 - (left?.length ?? 0) - (right?.length ?? 0)).fill('0'),
    ...(right ?? []),
  ]
  return `${groups.slice(0, 4).join(':')}::/64`
}
