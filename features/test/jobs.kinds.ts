import { setTimeout as pause } from 'node:timers/promises'
import type { Db } from '@clientele/platform/data/db'
import type { JobKind } from '../src/jobs/job-kind.ts'

/** Writes `input.to` notes, one a step, each named by the job's owner. */
export const countKind = (db: Db, more: Partial<JobKind> = {}): JobKind => ({
  kind: 'count',
  run: async (job, { step, finish, signal }) => {
    const { to, pauseMs = 0 } = job.input as { to: number; pauseMs?: number }
    const from = (job.state as { at: number } | null)?.at ?? 0
    for (let at = from + 1; at <= to; at += 1) {
      await step(async (tx) => {
        await db.query('insert into notes (text) values ($1)', [`${job.owner.id} ${at}`], { tx })
        return { state: { at }, counts: { notes: at }, progress: at / to }
      })
      if (pauseMs > 0) await pause(pauseMs, undefined, { signal }).catch(() => {})
    }
    await finish(async () => ({ counts: { notes: to } }))
  },
  ...more,
})
