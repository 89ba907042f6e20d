import { registry } from '@clientele/contracts/services'
import { addressKeys, type GatewayConfig } from './config.ts'

/** A service behind the gateway. Its OpenAPI document says which `/v1` paths are its own. */
export type ServiceRow = { name: string; url: string; internalUrl: string }

/** Every service of the registry with its addresses. @throws Error where the configuration was read for other services */
export const services = (config: GatewayConfig, registered: { name: string }[] = registry.services): ServiceRow[] =>
  registered.map(({ name }) => {
    const keys = addressKeys(name)
    const [url, internalUrl] = [config[keys.url], config[keys.internalUrl]]
    if (url === undefined || internalUrl === undefined) throw new Error(`the configuration has no address of ${name}`)
    return { name, url, internalUrl }
  })

/**
 * For questions that are asked again and again on internal ports: a kept connection would go on asking whoever answered the
 * first one, where an address came to lead to somebody else meanwhile.
 */
export const ownConnection = { connection: 'close' }
