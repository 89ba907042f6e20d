import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { withTimeout } from '@clientele/platform/runtime/timeout'
import type { buildConnector } from 'undici'
import type { AddressCheck } from './addresses.ts'

/** Resolves a host name to all of its addresses. */
export type Resolve = (hostname: string) => Promise<string[]>

/** The resolver of the system. */
export const systemResolver: Resolve = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address }) => address)

/** Thrown instead of connecting to an address that is not allowed. */
export class AddressRefused extends Error {
  override name = 'AddressRefused'
}

/** Thrown if a name has no address. */
export class NameUnknown extends Error {
  override name = 'NameUnknown'
}

/** Whether a port is that of the protocol, or none of the ports of system services. */
export const isAllowedPort = (protocol: string, port: string | number | null | undefined): boolean => {
  const number = Number(port || (protocol === 'https:' ? 443 : 80))
  return number >= 1_024 || number === (protocol === 'https:' ? 443 : 80)
}

type Options = { resolve: Resolve; isAllowed: AddressCheck; timeoutMs: number }

/** @throws AddressRefused if one of the addresses is not allowed, NameUnknown */
export const checkedAddresses = async (
  hostname: string,
  { resolve, isAllowed, timeoutMs }: Options,
): Promise<string[]> => {
  const host = hostname.replace(/^\[|\]$/g, '')
  const timedOut = 'the name was not resolved in time'
  const addresses = isIP(host)
    ? [host]
    : await withTimeout(timeoutMs, timedOut, resolve(host)).catch((error: unknown) => {
        throw new NameUnknown('the name could not be resolved', { cause: error })
      })
  if (addresses.length === 0) throw new NameUnknown('the name has no address')
  if (!addresses.every(isAllowed)) throw new AddressRefused('the address is not public')
  return addresses
}

type Connect = ReturnType<typeof buildConnector>
type OpenSocket = NonNullable<Parameters<buildConnector.Callback>[1]>

const connectTo = (connect: Connect, options: buildConnector.Options): Promise<OpenSocket> =>
  new Promise((resolve, reject) => {
    connect(options, (error, socket) => (socket ? resolve(socket) : reject(error)))
  })

/**
 * Wraps a connector of undici: it connects to checked addresses only. undici does not call a custom `lookup` for literal addresses, and
 * a name that is resolved twice may lead elsewhere the second time, so this resolves the name itself, checks all of its addresses,
 * and connects to these.
 */
export const guardedConnector =
  (connect: Connect, options: Options): Connect =>
  (target, callback) => {
    const open = async (): Promise<OpenSocket> => {
      if (!isAllowedPort(target.protocol, target.port)) throw new AddressRefused('the port is not allowed')
      const [first = '', ...others] = await checkedAddresses(target.hostname, options)
      const socketOf = (hostname: string) => connectTo(connect, { ...target, hostname })
      // Names often have an IPv6 address that this machine has no route to, so the next one is tried.
      return others.slice(0, 2).reduce((socket, hostname) => socket.catch(() => socketOf(hostname)), socketOf(first))
    }
    const opening = open()
    withTimeout(options.timeoutMs, 'not connected in time', opening).then(
      (socket) => callback(null, socket),
      (error: Error) => {
        opening.then((socket) => socket.destroy()).catch(() => {})
        callback(error, null)
      },
    )
  }
