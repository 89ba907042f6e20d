import type { GatewayConfig } from './config.ts'

/** A service behind the gateway. Its OpenAPI document says which `/v1` paths are its own. */
export type ServiceRow = { name: string; url: string; internalUrl: string }

/** Every service; another one is one more row here and two addresses in the configuration. */
export const services = (config: GatewayConfig): ServiceRow[] => [
  { name: 'user-service', url: config.userServiceUrl, internalUrl: config.userServiceInternalUrl },
  { name: 'customer-service', url: config.customerServiceUrl, internalUrl: config.customerServiceInternalUrl },
  { name: 'media-service', url: config.mediaServiceUrl, internalUrl: config.mediaServiceInternalUrl },
  { name: 'order-service', url: config.orderServiceUrl, internalUrl: config.orderServiceInternalUrl },
  {
    name: 'notification-service',
    url: config.notificationServiceUrl,
    internalUrl: config.notificationServiceInternalUrl,
  },
]

/**
 * For questions that are asked again and again on internal ports: a kept connection would go on asking whoever answered the
 * first one, where an address came to lead to somebody else meanwhile.
 */
export const ownConnection = { connection: 'close' }
