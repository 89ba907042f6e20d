/** The processes of the product. */
export const services = [
  'user-service',
  'customer-service',
  'media-service',
  'order-service',
  'notification-service',
  'gateway',
] as const
export type ServiceName = (typeof services)[number]

/** The services with a database, and their schemas. */
export const schemaOf = {
  'user-service': 'users',
  'customer-service': 'customers',
  'media-service': 'media',
  'order-service': 'orders',
  'notification-service': 'notifications',
} as const
