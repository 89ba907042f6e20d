import type { Revocations } from '@clientele/contracts/user'
import type { VerifiedToken } from '@clientele/platform/auth/token-verifier'
import { gauge } from '@clientele/platform/runtime/telemetry'
import type { z } from 'zod'

const keepMs = 86_400_000
const maxEntries = 100_000

/** What user-service says: tokens of these users issued up to then are void. */
export type Rows = z.infer<typeof Revocations>['data']

/** Tokens of a subject issued at or before `notBefore` (seconds) are refused; `heardAt` is when we learned it (ms). */
type Entry = { notBefore: number; heardAt: number }

const seconds = (time: string): number => Math.floor(Date.parse(time) / 1000)

/** Who lost access since their token was issued: in memory, a day long, at most 100,000 people (the oldest go first). */
export const createRevocationList = () => {
  const entries = new Map<string, Entry>()
  const watchers = new Map<string, Set<{ issuedAt: number; end: () => void }>>()
  gauge('gateway_revocations', 'People whose older tokens are refused', [], function () {
    this.set(entries.size)
  })

  const isRevoked = (subject: string, issuedAt: number): boolean => issuedAt <= (entries.get(subject)?.notBefore ?? -1)

  const put = (subject: string, entry: Entry): void => {
    entries.delete(subject)
    if (entries.size >= maxEntries) entries.delete(entries.keys().next().value ?? '')
    entries.set(subject, entry)
    for (const watcher of watchers.get(subject) ?? []) if (isRevoked(subject, watcher.issuedAt)) watcher.end()
  }

  return {
    isRevoked,
    /** From an event: its time is when user-service noticed, a little after the change itself. */
    heard: (subject: string, time: string): void => {
      const notBefore = Math.max(seconds(time), entries.get(subject)?.notBefore ?? 0)
      put(subject, { notBefore, heardAt: Date.now() })
    },
    /** From user-service, whose times are exact: they win over events heard before `askedAt` (ms). */
    read: (list: Rows, askedAt: number): void => {
      for (const { userId, notBefore: time } of list) {
        const known = entries.get(userId)
        const exact = seconds(time)
        const later = known !== undefined && known.heardAt >= askedAt && known.notBefore > exact
        if (!later && known?.notBefore !== exact) put(userId, { notBefore: exact, heardAt: askedAt })
      }
      const oldest = Math.floor((Date.now() - keepMs) / 1000)
      for (const [subject, { notBefore }] of entries) if (notBefore < oldest) entries.delete(subject)
    },
    /** Calls `end` when the token is revoked while it is in use; returns what ends the watch. */
    watch: ({ actor, issuedAt }: VerifiedToken, end: () => void): (() => void) => {
      const watcher = { issuedAt, end }
      const set = watchers.get(actor.id) ?? new Set()
      watchers.set(actor.id, set.add(watcher))
      return () => {
        set.delete(watcher)
        if (set.size === 0 && watchers.get(actor.id) === set) watchers.delete(actor.id)
      }
    },
  }
}
