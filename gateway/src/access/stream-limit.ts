import type { ServerResponse } from 'node:http'
import { Problem } from '@clientele/platform/runtime/problem'
import { rejectionCounter } from './rate-limit.ts'

/** Limits the streams that one client has open. They may stay open for long, so none waits for another one to end. */
export const createStreamLimit = ({ maxStreams }: { maxStreams: number }) => {
  const open = new Map<string, number>()
  const rejected = rejectionCounter()
  rejected.inc({ limit: 'streams' }, 0)
  return {
    /** Counts a stream of `key` until `res` is closed. @throws Problem 429 */
    acquire: (key: string, res: ServerResponse): void => {
      const count = open.get(key) ?? 0
      if (count >= maxStreams) {
        rejected.inc({ limit: 'streams' })
        throw new Problem('rate_limited', {
          detail: `limit: ${maxStreams} streams at a time`,
          headers: { 'Retry-After': '5' },
        })
      }
      open.set(key, count + 1)
      res.once('close', () => {
        const left = (open.get(key) ?? 1) - 1
        if (left === 0) open.delete(key)
        else open.set(key, left)
      })
    },
  }
}
