import { isIP } from 'node:net'

/** All other processes listen on this address. */
export const loopback = '127.0.0.1'
const wildcards = ['0.0.0.0', '::']

/** The address that the gateway and Keycloak listen on: `HOST`, default loopback. @throws Error if it is not an IP address */
export const hostFrom = (env: NodeJS.ProcessEnv): string => {
  const host = env.HOST || loopback
  if (host === 'localhost') return loopback
  if (!isIP(host)) throw new Error(`HOST is "${host}", but must be an IP address to listen on, such as 0.0.0.0`)
  return host
}

/** Whether only this machine can reach the host. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || host.startsWith('127.')

/** The host in a URL with which this machine reaches a process that listens on `host`. */
export const hostInUrl = (host: string): string => {
  if (host === loopback || wildcards.includes(host)) return 'localhost'
  return isIP(host) === 6 ? `[${host}]` : host
}
