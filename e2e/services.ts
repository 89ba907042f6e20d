import { envPrefix, registry } from '@clientele/contracts/services'

/** The name of a service of the registry, or `gateway`. */
export type ServiceName = string

/** The services that have a database. */
export const databaseServices: ServiceName[] = registry.services.map(({ name }) => name)

/** All services and the gateway. */
export const services: ServiceName[] = [...databaseServices, 'gateway']

/** The database schema of each service. */
export const schemaOf: Record<ServiceName, string> = Object.fromEntries(
  registry.services.map(({ name, schema }) => [name, schema]),
)

/** Gives each of these names the same value, for example the same environment variables. */
export const recordOf = <T>(names: readonly ServiceName[], value: T): Record<ServiceName, T> =>
  Object.fromEntries(names.map((name) => [name, value]))

/** The value for a service. @throws Error if there is none: the name is misspelt, or the service is new */
export const valueFor = <T>(values: Readonly<Record<string, T>>, name: ServiceName): T => {
  const value = values[name]
  if (value === undefined) throw new Error(`no value for ${name}, only for ${Object.keys(values).join(', ')}`)
  return value
}

/**
 * The environment variables `USER_SERVICE_URL`, `USER_SERVICE_INTERNAL_URL` and so on. `url` is called with `user-service` and
 * with `user-service:internal`.
 */
export const serviceUrls = <T>(
  url: (name: string) => T,
  names: readonly ServiceName[] = databaseServices,
): Record<string, T> =>
  Object.fromEntries(
    names.flatMap((name) => [
      [`${envPrefix(name)}_URL`, url(name)],
      [`${envPrefix(name)}_INTERNAL_URL`, url(`${name}:internal`)],
    ]),
  )

/** All services and the gateway, each after the services that it calls. */
export const startOrder = (): ServiceName[] => {
  const order = new Set<ServiceName>()
  const visited = new Set<ServiceName>()
  const visit = (name: ServiceName): void => {
    if (visited.has(name)) return
    visited.add(name)
    for (const called of registry.services.find((row) => row.name === name)?.calls ?? []) visit(called)
    order.add(name)
  }
  for (const name of services) visit(name)
  return [...order]
}
