import { type Actor, isAdmin } from '@clientele/platform/auth/token-verifier'
import type { Bind } from '@clientele/platform/lists/condition'
import { kindOf } from '../events/event.kinds.ts'

/** Somebody who is told of events. */
export type Audience = { userId: string; isAdmin: boolean }

/** Who makes a request. */
export const audienceOf = (actor: Actor): Audience => ({ userId: actor.id, isAdmin: isAdmin(actor) })

type Judged = { type: string; subject: string; actorId: string | null }

type Rule = 'all' | 'own' | 'self'

/**
 * Which events users without the role `admin` may know of, by their kind: all of them, their own actions, or those about
 * themselves. Only admins may know of other kinds. Every way to read events uses this table.
 */
const rules: Record<string, Rule> = {
  customer: 'all',
  product: 'all',
  order: 'all',
  notification: 'all',
  media: 'all',
  import: 'own',
  user: 'self',
}

const kindsWith = (rule: Rule): string[] => Object.keys(rules).filter((kind) => rules[kind] === rule)

// Streams ask once for each event and user. More types than there are could only come from a foreign publisher.
const maxTypes = 1_000
const ruleByType = new Map<string, Rule | undefined>()

const ruleOf = (type: string): Rule | undefined => {
  const known = ruleByType.get(type)
  if (known !== undefined || ruleByType.has(type)) return known
  const kind = kindOf(type)
  const rule = Object.hasOwn(rules, kind) ? rules[kind] : undefined
  if (ruleByType.size >= maxTypes) ruleByType.clear()
  ruleByType.set(type, rule)
  return rule
}

/** Whether somebody may know of an event: judged by type, subject and actor. */
export const isVisible = ({ type, subject, actorId }: Judged, { userId, isAdmin }: Audience): boolean => {
  if (isAdmin) return true
  switch (ruleOf(type)) {
    case 'all':
      return true
    case 'own':
      return actorId === userId
    case 'self':
      return subject === userId
    default:
      return false
  }
}

/** The same as an SQL condition on the columns type, subject, actor_id. `bind` adds a value and returns how the statement names it: `$1`. */
export const visibleTo = ({ userId, isAdmin }: Audience, bind: Bind): string => {
  if (isAdmin) return 'true'
  const isOf = (rule: Rule): string => `split_part(type, '.', 1) = any(${bind(kindsWith(rule))}::text[])`
  const user = `${bind(userId)}::text`
  return `(${isOf('all')} or (${isOf('own')} and actor_id = ${user}) or (${isOf('self')} and subject = ${user}))`
}

/** An SQL condition on the column type: of this kind, every event is visible. For lists of which the other columns are not at hand. */
export const kindVisibleTo = ({ isAdmin }: Audience, bind: Bind): string =>
  isAdmin ? 'true' : `split_part(type, '.', 1) = any(${bind(kindsWith('all'))}::text[])`
