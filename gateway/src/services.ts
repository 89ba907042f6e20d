import { registry } from '@clientele/contracts/services'
import { addressKeys, type GatewayConfig } from './config.ts'

/** The addresses of a service. Its OpenAPI document lists its `/v1` paths. */
export type ServiceAddress = { name: string; url: string; internalUrl: string }

/** The addresses of every service in the registry. @throws Error if the configuration lacks one */
export const serviceAddresses = (
  config: GatewayConfig,
  registered: { name: string }[] = registry.services,
): ServiceAddress[] =>
  registered.map(({ name }) => {
    const keys = addressKeys(name)
    const [url, internalUrl] = [config[keys.url], config[keys.internalUrl]]
    if (url === undefined || internalUrl === undefined)
      throw new Error(`the configuration has no addresses for ${name}`)
    return { name, url, internalUrl }
  })

/**
 * Headers for periodic requests to internal ports. Each uses a new connection: a kept-alive one would still reach the old
 * process after an address has moved to another.
 */
export const closeConnection = { connection: 'close' }
