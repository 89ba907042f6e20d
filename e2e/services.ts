import { registry, variablePrefix } from '@clientele/contracts/services'

/** A process of the product: a service of the registry, or the gateway. */
export type ServiceName = string

/** The services with a database. */
export const storing: ServiceName[] = registry.services.map(({ name }) => name)

/** The processes of the product. */
export const services: ServiceName[] = [...storing, 'gateway']

/** The schemas of the services with a database. */
export const schemaOf: Record<ServiceName, string> = Object.fromEntries(
  registry.services.map(({ name, schema }) => [name, schema]),
)

/** The same value under each of these names: overrides of the environment, for one. */
export const recordOf = <T>(names: readonly ServiceName[], value: T): Record<ServiceName, T> =>
  Object.fromEntries(names.map((name) => [name, value]))

/** What `values` holds for a service. @throws Error where it holds nothing: the name is misspelt, or its service is new */
export const at = <T>(values: Readonly<Record<string, T>>, name: ServiceName): T => {
  const value = values[name]
  if (value === undefined) throw new Error(`there is nothing for ${name}, only for ${Object.keys(values).join(', ')}`)
  return value
}

/** `USER_SERVICE_URL`, `USER_SERVICE_INTERNAL_URL` and so on; `url` is asked for `user-service` and `user-service:internal`. */
export const addresses = <T>(url: (name: string) => T, names: readonly ServiceName[] = storing): Record<string, T> =>
  Object.fromEntries(
    names.flatMap((name) => [
      [`${variablePrefix(name)}_URL`, url(name)],
      [`${variablePrefix(name)}_INTERNAL_URL`, url(`${name}:internal`)],
    ]),
  )

/** Every process after those that it calls. */
export const calledFirst = (): ServiceName[] => {
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
