import type { ServiceConfig } from '../runtime/config.ts'
import { Problem } from '../runtime/problem.ts'
import { counter } from '../runtime/telemetry.ts'

const maxUsers = 10_000
const minuteMs = 60_000
const dayMs = 86_400_000

/** What a budget is for, as its 429 says it. `limit` units may be used in `windowMs`. */
type Budget = { name: string; unit: string; limit: number; windowMs: number }

/**
 * Creates a budget for each user, in the memory of the process: what was used is forgotten evenly over `windowMs`. Work is charged
 * when its size is known, so the last request may exceed the limit, and the next ones wait until enough is forgotten.
 */
export const createBudget = ({ name, unit, limit, windowMs }: Budget) => {
  const users = new Map<string, { used: number; at: number }>()
  const refused = counter('work_refused_total', 'Requests rejected because the budget of their user was used up', [
    'budget',
  ])
  refused.inc({ budget: name }, 0)

  const usedBy = (userId: string, now: number): number => {
    const user = users.get(userId)
    return user ? Math.max(user.used - ((now - user.at) * limit) / windowMs, 0) : 0
  }

  return {
    /** @throws Problem 429 if the user has used the budget up, or would with `amount` more */
    assertLeft: (userId: string, amount = 0): void => {
      const excess = usedBy(userId, performance.now()) + amount - limit
      if (excess <= 0) return
      refused.inc({ budget: name })
      const seconds = Math.max(Math.ceil((excess / limit) * (windowMs / 1000)), 1)
      const window = windowMs === dayMs ? 'day' : 'minute'
      throw new Problem('rate_limited', {
        detail: `budget of ${name} used up: ${limit} ${unit} a ${window} for each user`,
        headers: { 'Retry-After': String(seconds) },
      })
    },
    charge: (userId: string, amount: number): void => {
      const now = performance.now()
      const used = usedBy(userId, now) + amount
      // Set again, so that the map is ordered by time and the user who was charged least recently is forgotten first.
      users.delete(userId)
      users.set(userId, { used, at: now })
      if (users.size > maxUsers) users.delete(users.keys().next().value ?? userId)
    },
  }
}

/** The settings of {@link createWorkBudget}. */
export type WorkLimits = Pick<
  ServiceConfig,
  'workMsPerMinute' | 'bodyBytesPerMinute' | 'batchItemsPerMinute' | 'rowsPerMinute' | 'keptBytesPerDay'
>

export type WorkBudget = ReturnType<typeof createWorkBudget>

/**
 * Creates the budgets of the requests of a service: what they may cost together, however many they are. `time` is the time of the
 * main thread for checking requests and writing responses, `bytes` counts JSON bodies, `items` those of batches, `rows` those that
 * lists return, which cost the database more than the main thread, and `kept` the bytes of responses under idempotency keys.
 */
export const createWorkBudget = (limits: WorkLimits) => {
  const { workMsPerMinute, bodyBytesPerMinute, batchItemsPerMinute, rowsPerMinute, keptBytesPerDay } = limits
  const time = createBudget({ name: 'time', unit: 'ms', limit: workMsPerMinute, windowMs: minuteMs })
  const bytes = createBudget({ name: 'bodies', unit: 'bytes', limit: bodyBytesPerMinute, windowMs: minuteMs })
  const items = createBudget({ name: 'batches', unit: 'items', limit: batchItemsPerMinute, windowMs: minuteMs })
  const rows = createBudget({ name: 'lists', unit: 'rows', limit: rowsPerMinute, windowMs: minuteMs })
  const kept = createBudget({ name: 'kept responses', unit: 'bytes', limit: keptBytesPerDay, windowMs: dayMs })
  const budgets = [time, bytes, items, rows, kept]
  return {
    time,
    bytes,
    items,
    rows,
    kept,
    /** @throws Problem 429 that says which budget is used up */
    assertLeft: (userId: string): void => {
      for (const budget of budgets) budget.assertLeft(userId)
    },
  }
}
