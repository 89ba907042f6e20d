import { readFileSync } from 'node:fs'
import { z } from 'zod'

// The port in the local profile and on ECS, where services share a host. Elsewhere, containers listen on 8000 and 8100.
const port = z.int().min(1_024).max(65_435)
const word = z.string().regex(/^[a-z]+$/)

/** In `consumes`: every type, also those of later releases. */
export const everyType = '*'

// An event type, or its first word for all events of a kind of record.
const eventTypes = z.array(z.string().regex(/^[a-z_]+(\.[a-z_]+\.v[0-9]+)?$/)).default([])
const consumedTypes = z.union([z.tuple([z.literal(everyType)]), eventTypes])

const Service = z.strictObject({
  /** The name of the service, its folder, its image and its Kubernetes Service. */
  name: z.string().regex(/^[a-z]+-service$/),
  port,
  /** Its PostgreSQL schema, owned by the role `clientele_<schema>`. */
  schema: word,
  /** The PostgreSQL extensions that its migrations need. */
  extensions: z.array(z.string()).default([]),
  /** The services that it calls over HTTP. */
  calls: z.array(z.string()).default([]),
  /** The services whose internal port it reads, besides that of user-service. */
  reads: z.array(z.string()).default([]),
  /** The names of random secrets that the local profile generates for it, see its `local.env`. */
  secrets: z.array(z.string()).default([]),
  /** The events that it publishes: `customer` is all types that begin with `customer.` */
  publishes: eventTypes,
  /** The events that it consumes, besides those that the gateway consumes: types, first words as in `publishes`, or {@link everyType}. */
  consumes: consumedTypes.default([]),
})
export type Service = z.infer<typeof Service>

/** The only events that several services publish: each service that imports publishes the end of its own imports. */
const sharedEvents: readonly string[] = ['import']

const Registry = z
  .strictObject({ gateway: z.strictObject({ port, consumes: eventTypes }), services: z.array(Service).min(1) })
  .superRefine(({ gateway, services }, context) => {
    const addIssue = (message: string): void => context.addIssue({ code: 'custom', message })
    const requireUnique = (name: string, values: (string | number)[]): void => {
      for (const value of new Set(values.filter((value, index) => values.indexOf(value) !== index)))
        addIssue(`${name} ${value} is given twice`)
    }
    const names = services.map(({ name }) => name)
    requireUnique('name', names)
    requireUnique(
      'schema',
      services.map(({ schema }) => schema),
    )
    requireUnique(
      'port',
      [gateway, ...services].flatMap(({ port }) => [port, internalPort(port)]),
    )
    requireUnique(
      'the publisher of',
      services.flatMap(({ publishes }) => publishes).filter((words) => !sharedEvents.includes(words)),
    )
    for (const { name, calls, reads } of services) {
      for (const called of calls)
        if (!names.includes(called)) addIssue(`${name} calls ${called}, which is not a service`)
      for (const read of reads) if (!names.includes(read)) addIssue(`${name} reads ${read}, which is not a service`)
    }
  })
export type Registry = z.infer<typeof Registry>

/** Returns the internal port of a service (`/health` and `/metrics`) by its port in the registry. */
export const internalPort = (port: number): number => port + 100

/** Parses a service registry. @throws ZodError with all errors */
export const parseRegistry = (json: unknown): Registry => Registry.parse(json)

/** The service registry, `services.json`: the gateway and every service behind it. */
export const registry: Registry = parseRegistry(
  JSON.parse(readFileSync(new URL('../../services.json', import.meta.url), 'utf8')),
)

/** Returns a name in camel case: `user-service` → `userService`. */
export const camelCase = (name: string): string =>
  name.replace(/-(.)/g, (_match, letter: string) => letter.toUpperCase())

/** Returns the prefix of environment variables for a service: `user-service` → `USER_SERVICE`. */
export const envPrefix = (name: string): string => name.replaceAll('-', '_').toUpperCase()
