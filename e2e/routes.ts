import { readdirSync, readFileSync } from 'node:fs'

type Operation = {
  operationId: string
  parameters?: { name: string; in: string }[]
  security?: Record<string, unknown>[]
  'x-roles'?: string[]
  requestBody?: { content?: Record<string, unknown> }
  'x-file-bodies'?: string[]
  'x-event-stream'?: boolean
}

/** A route of a service's OpenAPI document. Parameters in `path` are in braces: `/v1/customers/{key}`. */
export type Route = {
  name: string
  service: string
  method: string
  path: string
  access: 'public' | 'optional' | 'user' | 'admin'
  /** Media types that the body may have. */
  types: string[]
  /** Those of `types` that are files to store. */
  files: string[]
  /** Whether its response is a stream that does not end. */
  isStream: boolean
}

const contractsFolder = new URL('../contracts/generated/', import.meta.url)
const suffix = '.openapi.json'

const accessOf = ({ security = [], 'x-roles': roles = [] }: Operation): Route['access'] => {
  if (security.length === 0) return 'public'
  if (security.some((scheme) => Object.keys(scheme).length === 0)) return 'optional'
  return roles.includes('admin') ? 'admin' : 'user'
}

const readRoutes = (file: string): Route[] => {
  const { paths } = JSON.parse(readFileSync(new URL(file, contractsFolder), 'utf8')) as {
    paths: Record<string, Record<string, Operation>>
  }
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      service: file.slice(0, -suffix.length),
      method: method.toUpperCase(),
      path,
      access: accessOf(operation),
      types: Object.keys(operation.requestBody?.content ?? {}),
      files: operation['x-file-bodies'] ?? [],
      isStream: operation['x-event-stream'] === true,
    })),
  )
}

/** Every route of every service, read from the generated OpenAPI documents. */
export const allRoutes = (): Route[] =>
  readdirSync(contractsFolder)
    .filter((file) => file.endsWith(`-service${suffix}`))
    .flatMap(readRoutes)

/** Puts `value` in place of every parameter of `path`. */
export const fillPath = (path: string, value: string): string => path.replace(/\{\w+\}/g, value)
