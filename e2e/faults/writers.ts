import { setTimeout as pause } from 'node:timers/promises'
import type { Ledger } from './ledger.ts'
import type { Random } from './random.ts'
import type { Settled, Traffic } from './traffic.ts'

/** Tokens of people who outlive the run: faults are not about them. */
export type People = { user: string; admin: string }
export type WriterParts = { traffic: Traffic; ledger: Ledger; random: Random; people: People; name: string }

/** Does one thing after the other until its run ends. */
export type Writer = { step(): Promise<void>; pauseMs: number }

export const json = { 'content-type': 'application/json' }
export const ifMatch = (version: number) => ({ 'if-match': `"${version}"` })

/** A key that no other request of the run has. */
export const keyFrom = (random: Random, name: string): string =>
  `${name}-${random.next().toString(36).slice(2)}-${random.next().toString(36).slice(2)}`

/** An answer that no fault explains. */
export const unexpected = (traffic: Traffic, what: string, { status, body, uncertain }: Settled): void => {
  // Faults of the product's own are noted with the request already.
  if (status < 500)
    traffic.violation(`${what}: ${status} ${JSON.stringify(body)}${uncertain ? ', after an unanswered try' : ''}`)
}

/** Runs a writer at its pace until `signal` aborts. */
export const runWriter = async ({ step, pauseMs }: Writer, random: Random, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    await step()
    await pause(pauseMs * (0.5 + random.next()))
  }
}
