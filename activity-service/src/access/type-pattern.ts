import { all, type Bind } from '@clientele/platform/lists/condition'
import { FilterError } from '@clientele/platform/lists/filters'
import { recordedEvents } from '../consumers/events.consumer.ts'
import { classesOfKind, classOf, type EventClass, kindOf } from '../events/event.kinds.ts'

/** The most types and kinds that one parameter may name. */
const maxPatterns = 50

const knownTypes = new Set(recordedEvents.map(({ type }) => type))
const knownKinds = [...new Set([...knownTypes].map(kindOf))]
const patterns = new Set([...knownTypes, ...knownKinds.map((kind) => `${kind}.*`)])

const unknownPattern = (pattern: string): FilterError => {
  const kind = kindOf(pattern)
  const types = [...knownTypes].filter((type) => kindOf(type) === kind)
  const known = types.length > 0 ? [`${kind}.*`, ...types] : knownKinds.map((each) => `${each}.*`)
  return new FilterError(
    `has an unknown event type: ${JSON.stringify(pattern.slice(0, 60))}. Known are ${known.join(', ')}`,
  )
}

/**
 * Parses event types and kinds: `order.*,customer.created.v1`. A pattern is the type of an event of this release, or a kind followed
 * by `.*`.
 * @throws FilterError with a message for clients, which goes on after the name of the parameter
 */
export const parseTypePatterns = (value: string): string[] => {
  const found = value.split(',', maxPatterns + 1).map((each) => each.trim())
  if (found.length > maxPatterns) throw new FilterError(`must have at most ${maxPatterns} event types`)
  for (const pattern of found) if (!patterns.has(pattern)) throw unknownPattern(pattern)
  return [...new Set(found)]
}

const prefixOf = (pattern: string): string | undefined => (pattern.endsWith('.*') ? pattern.slice(0, -1) : undefined)

/** Whether a type is, or begins as, one of the patterns. */
export const matchesType = (patterns: readonly string[], type: string): boolean =>
  patterns.some((pattern) => {
    const prefix = prefixOf(pattern)
    return prefix === undefined ? type === pattern : type.startsWith(prefix)
  })

const classesOf = (pattern: string): readonly EventClass[] =>
  prefixOf(pattern) === undefined ? [classOf(pattern)] : classesOfKind(kindOf(pattern))

/**
 * The same as an SQL condition on a column of types, and on `class` beside it, because the planner would look for types in partitions
 * that cannot have them. The collation is that of `events.type`, so an index serves it.
 */
export const typeCondition = (patterns: readonly string[], column: string, bind: Bind): string => {
  const classes = new Set(patterns.flatMap(classesOf))
  const inClass = classes.size === 1 ? [`${column.replace(/type$/, 'class')} = ${bind([...classes][0])}::text`] : []
  const exact = patterns.filter((pattern) => prefixOf(pattern) === undefined)
  const prefixes = patterns.map(prefixOf).filter((prefix) => prefix !== undefined)
  const one = exact.length === 1 ? [`${column} = ${bind(exact[0])}::text`] : []
  const several = exact.length > 1 ? [`${column} = any(${bind(exact)}::text[])`] : []
  const begins = prefixes.map((prefix) => `${column} like ${bind(`${prefix}%`)}::text`)
  return all(...inClass, [...one, ...several, ...begins].join(' or ') || 'false')
}
