import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '@clientele/platform/data/db'
import type { JobKind } from '../src/jobs/job-kind.ts'

/** A job kind that writes `input.to` notes, one per step, each with the owner of the job in its text. */
export const countKind = (db: Db, overrides: Partial<JobKind> = {}): JobKind => ({
  kind: 'count',
  run: async (job, { step, finish, signal }) => {
    const { to, pauseMs = 0 } = job.input as { to: number; pauseMs?: number }
    const from = (job.state as { at: number } | null)?.at ?? 0
    for (let at = from + 1; at <= to; at += 1) {
      await step(async (tx) => {
        await db.query('insert into notes (text) values ($1)', [`${job.owner.id} ${at}`], { tx })
        return { state: { at }, counts: { notes: at }, progress: at / to }
      })
      if (pauseMs > 0) await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
    await finish(async () => ({ counts: { notes: to } }))
  },
  ...overrides,
})
