import { setTimeout as pause } from 'node:timers/promises'
import type { Ledger } from './ledger.ts'
import type { Random } from './random.ts'
import type { FinalResponse, Traffic } from './traffic.ts'

/** Access tokens of a user and an admin that are valid for the whole run. They are replaced by newer ones now and then. */
export type Tokens = { user: string; admin: string }
export type WriterContext = { traffic: Traffic; ledger: Ledger; random: Random; tokens: Tokens; name: string }

/** A simulated client. `step` makes one change; the writer pauses about `pauseMs` between steps. */
export type Writer = { step(): Promise<void>; pauseMs: number }

export const jsonHeaders = { 'content-type': 'application/json' }
export const ifMatch = (version: number) => ({ 'if-match': `"${version}"` })

/** An idempotency key that is unique in the run. */
export const newIdempotencyKey = (random: Random, name: string): string =>
  `${name}-${random.next().toString(36).slice(2)}-${random.next().toString(36).slice(2)}`

/** Adds a violation for a response that no fault explains. */
export const reportUnexpected = (traffic: Traffic, what: string, { status, body, uncertain }: FinalResponse): void => {
  // `traffic` has already added one for a 5xx.
  if (status < 500)
    traffic.addViolation(
      `${what}: ${status} ${JSON.stringify(body)}${uncertain ? ', after an attempt without a response' : ''}`,
    )
}

/** Runs a writer until `signal` aborts. */
export const runWriter = async ({ step, pauseMs }: Writer, random: Random, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    await step()
    await pause(pauseMs * (0.5 + random.next()))
  }
}
