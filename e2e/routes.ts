import { readdirSync, readFileSync } from 'node:fs'

type Operation = {
  operationId: string
  parameters?: { name: string; in: string }[]
  security?: Record<string, unknown>[]
  'x-roles'?: string[]
  requestBody?: { content?: Record<string, unknown> }
  'x-file-bodies'?: string[]
}

/** A route of the services' contracts; `path` with its parameters in braces. */
export type Route = {
  name: string
  service: string
  method: string
  path: string
  access: 'public' | 'optional' | 'user' | 'admin'
  /** Media types that its body may have, and those of them that are files to be stored. */
  types: string[]
  files: string[]
}

const folder = new URL('../contracts/generated/', import.meta.url)
const suffix = '.openapi.json'

const accessOf = ({ security = [], 'x-roles': roles = [] }: Operation): Route['access'] => {
  if (security.length === 0) return 'public'
  if (security.some((scheme) => Object.keys(scheme).length === 0)) return 'optional'
  return roles.includes('admin') ? 'admin' : 'user'
}

const routesOf = (file: string): Route[] => {
  const { paths } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as {
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
    })),
  )
}

/** Every route that the services declare: one that is added tomorrow is among them. */
export const allRoutes = (): Route[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(suffix))
    .flatMap(routesOf)

/** `path` with the same text for every parameter. */
export const filled = (path: string, value: string): string => path.replace(/\{\w+\}/g, value)
