import { readFileSync } from 'node:fs'
import { z } from 'zod'

// The port where services share one address: in the local profile and on ECS. Containers elsewhere listen on 8000 and 8100.
const port = z.int().min(1_024).max(65_435)
const word = z.string().regex(/^[a-z]+$/)

const Service = z.strictObject({
  /** Also the name of its folder, its image and its Kubernetes Service. */
  name: z.string().regex(/^[a-z]+-service$/),
  port,
  /** Its PostgreSQL schema; the role that owns it is `clientele_<schema>`. */
  schema: word,
  /** PostgreSQL extensions that its migrations use. */
  extensions: z.array(z.string()).default([]),
  /** Services that it calls over HTTP. */
  calls: z.array(z.string()).default([]),
  /** Names of random secrets that the local profile makes for it alone, see its `local.env`. */
  secrets: z.array(z.string()).default([]),
})
export type Service = z.infer<typeof Service>

const Registry = z
  .strictObject({ gateway: z.strictObject({ port }), services: z.array(Service).min(1) })
  .superRefine(({ gateway, services }, context) => {
    const fault = (message: string): void => context.addIssue({ code: 'custom', message })
    const unique = (what: string, values: (string | number)[]): void => {
      for (const value of new Set(values.filter((each, index) => values.indexOf(each) !== index)))
        fault(`${what} ${value} is given twice`)
    }
    const names = services.map(({ name }) => name)
    unique('name', names)
    unique(
      'schema',
      services.map((row) => row.schema),
    )
    unique(
      'port',
      [gateway, ...services].flatMap((each) => [each.port, internalPort(each.port)]),
    )
    for (const { name, calls } of services)
      for (const called of calls) if (!names.includes(called)) fault(`${name} calls ${called}, which is no service`)
  })
export type Registry = z.infer<typeof Registry>

/** The port of `/health` and `/metrics` that goes with a port of the registry. */
export const internalPort = (port: number): number => port + 100

/** Reads a registry. @throws ZodError naming every fault */
export const parseRegistry = (json: unknown): Registry => Registry.parse(json)

/** `services.json`: every service of the product. The gateway is in front of all of them. */
export const registry: Registry = parseRegistry(
  JSON.parse(readFileSync(new URL('../../services.json', import.meta.url), 'utf8')),
)

/** How the variables about a service begin: `user-service` → `USER_SERVICE`. */
export const variablePrefix = (name: string): string => name.replaceAll('-', '_').toUpperCase()
