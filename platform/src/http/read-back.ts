import { isDeepStrictEqual } from 'node:util'
import type { ProblemError } from '@clientele/contracts/problem'
import { Problem } from '../runtime/problem.ts'
import { isStale } from './if-match.ts'
import { fieldsOf, type RequestContext, type RouteDefinition } from './route-definition.ts'

type Fields = Record<string, unknown>

/** The fields that a PUT or PATCH returns but does not take. */
const readOnlyFields = ({ body, responses }: RouteDefinition): Set<string> => {
  const writable = new Set(fieldsOf(body))
  return new Set(fieldsOf(responses[200]).filter((name) => !writable.has(name)))
}

// A link to a photo is signed anew in each response.
const withoutSignature = (value: unknown): unknown =>
  typeof value === 'string' && value.includes('&signature=') ? value.replace(/&(expires|signature)=[^&]*/g, '') : value
const comparable = (value: unknown): unknown =>
  value === undefined ? undefined : JSON.parse(JSON.stringify(value), (_key, each) => withoutSignature(each))

const changed = (name: string, current: Fields): ProblemError => ({
  pointer: `/${name}`,
  code: 'read_only',
  message:
    name === 'version' && current['version'] !== undefined
      ? `is ${current['version']} now: read the resource again`
      : 'cannot be changed: leave it out, or send the value that the resource has',
})

type Context = Pick<RequestContext, 'params' | 'query' | 'actor' | 'ifMatch'>

const readCurrent = async (route: RouteDefinition, context: Context): Promise<Fields> => {
  try {
    return (await route.current?.(context)) as Fields
  } catch (error) {
    const creates = route.responses[201] !== undefined
    if (creates && error instanceof Problem && error.code === 'not_found') return {}
    throw error
  }
}

/**
 * Prepares bodies of a PUT or PATCH that have read-only fields, because a client sends what it has read. `strip` takes them out
 * of a body, and `check` compares them with the resource.
 */
export const createReadBack = (route: RouteDefinition) => {
  const names = route.current ? readOnlyFields(route) : new Set<string>()
  const linked = new Set(route.linked)

  return {
    strip: (json: unknown): { json: unknown; sent: [string, unknown][] } => {
      if (names.size === 0 || typeof json !== 'object' || json === null || Array.isArray(json))
        return { json, sent: [] }
      const entries = Object.entries(json)
      const writable = entries.filter(([name]) => !names.has(name))
      if (writable.length === entries.length) return { json, sent: [] }
      const sent = entries.filter(([name]) => names.has(name) && !linked.has(name))
      return { json: Object.fromEntries(writable), sent }
    },

    /** @throws Problem 422 that names each field with another value than that of the resource */
    check: async (sent: [string, unknown][], context: Context): Promise<void> => {
      if (sent.length === 0) return
      const current = await readCurrent(route, context)
      // The handler responds with 412.
      if (isStale(context.ifMatch, current['version'])) return
      const errors = sent
        .filter(([name, value]) => !isDeepStrictEqual(comparable(value), comparable(current[name])))
        .map(([name]) => changed(name, current))
      if (errors.length === 0) return
      const detail = `${errors.length} ${errors.length === 1 ? 'field' : 'fields'} cannot be changed`
      throw new Problem('validation', { detail, errors })
    },
  }
}
