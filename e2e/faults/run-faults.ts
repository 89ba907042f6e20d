import { setTimeout as pause } from 'node:timers/promises'
import { eventually } from '@clientele/platform/testing/wait'
import { customerWriter } from './customer-writer.ts'
import type { FaultSystem } from './fault-system.ts'
import { createFaultWindows, type FaultWindows } from './fault-windows.ts'
import { allFaults, type Fault } from './faults.ts'
import { createLedger } from './ledger.ts'
import { watchMemory } from './memory.ts'
import { orderWriter } from './order-writer.ts'
import { uploadWriter } from './photo-steps.ts'
import { createRandom, type Random } from './random.ts'
import { createTraffic } from './traffic.ts'
import { signUpWriter, userWriter } from './user-writer.ts'
import { runWriter, type Tokens, type WriterContext } from './writer.ts'

type RenewableTokens = Tokens & { renew(): Promise<void> }
export type RunOptions = { seed: number; minutes: number; log: (text: string) => void; tokens: RenewableTokens }

/** The results of a run: what was recorded while faults were injected. */
export type Outcome = Awaited<ReturnType<typeof runFaults>>

const pauseAfterFaultMs = 1_500
const sampleMs = 5_000
const renewTokensMs = 120_000
/** Runs of at least this length restart no process in their last third, so that the growth of memory can be measured. */
export const minMinutesForMemory = 10
// The first part of the last third is not measured, because every process grows at first.
const warmUpShare = 1 / 4

const minMinutesForSlowFaults = 5

const createWriters = (context: Omit<WriterContext, 'random' | 'name'>, random: Random) => {
  const kinds = [
    ...Array.from({ length: 8 }, () => ({ kind: 'customers', make: customerWriter })),
    ...Array.from({ length: 2 }, () => ({ kind: 'uploads', make: uploadWriter })),
    ...Array.from({ length: 2 }, () => ({ kind: 'users', make: userWriter })),
    ...Array.from({ length: 4 }, () => ({ kind: 'orders', make: orderWriter })),
    { kind: 'signups', make: signUpWriter },
  ]
  return kinds.map(({ kind, make }, index) => {
    const own = createRandom(random.below(2 ** 31))
    return { writer: make({ ...context, random: own, name: `${kind}${index}` }), random: own }
  })
}

/** Injects one fault and waits until all replicas are ready again. @returns how long that took, in ms */
const injectFault = async (fault: Fault, system: FaultSystem, windows: FaultWindows): Promise<number> => {
  const window = windows.open(fault.label, fault.allowed)
  try {
    await fault.run()
    await eventually(
      async () => {
        for (const { healthUrl, name } of system.replicas) {
          const response = await fetch(healthUrl, { signal: AbortSignal.timeout(3_000) })
          if (!response.ok) throw new Error(`${name} is not ready after ${fault.label}: ${await response.text()}`)
        }
      },
      { timeoutMs: 60_000, everyMs: 200 },
    )
    await pause(pauseAfterFaultMs)
  } finally {
    windows.close(window)
  }
  return Date.now() - window.from
}

/** Returns a function that signs the users in again, every two minutes at most. */
const createRenewal = ({ renew }: RenewableTokens) => {
  let renewedAt = Date.now()
  return async (): Promise<void> => {
    if (Date.now() - renewedAt < renewTokensMs) return
    await eventually(renew, { timeoutMs: 30_000, everyMs: 1_000 })
    renewedAt = Date.now()
  }
}

/** Runs the writers for `minutes` while faults are injected one after the other, each at least once. */
export const runFaults = async (system: FaultSystem, { seed, minutes, log, tokens }: RunOptions) => {
  const random = createRandom(seed)
  const windows = createFaultWindows()
  const ledger = createLedger()
  const traffic = createTraffic({ gateway: system.gateway, windows, random: createRandom(seed + 1) })
  const memory = watchMemory(system.replicas, sampleMs)
  const stopping = new AbortController()
  const writers = createWriters({ traffic, ledger, tokens }, random).map(({ writer, random: own }) =>
    runWriter(writer, own, stopping.signal),
  )
  const allWriters = Promise.all(writers)
  allWriters.catch(() => {})

  const from = Date.now()
  const renewTokens = createRenewal(tokens)
  const until = from + minutes * 60_000
  const checksMemory = minutes >= minMinutesForMemory
  const restartFreeFrom = checksMemory ? from + (until - from) * (2 / 3) : until
  const measuredFrom = restartFreeFrom + (until - restartFreeFrom) * warmUpShare
  try {
    for (let round = 1; round === 1 || Date.now() < until; round++) {
      const faults = allFaults(system, random, { includeSlow: minutes >= minMinutesForSlowFaults })
      for (const fault of random.shuffle(faults)) {
        if (round > 1 && Date.now() >= until) break
        if (fault.restarts && round > 1 && Date.now() >= restartFreeFrom) continue
        // Not while a process is starting: SIGUSR2 would end one that has no handler yet.
        if (checksMemory && memory.afterGc.length === 0 && Date.now() >= measuredFrom) await memory.collectGarbage()
        await pause(1_000 + random.below(2_000))
        const at = Math.round((Date.now() - from) / 1000)
        const ms = await injectFault(fault, system, windows)
        await renewTokens()
        log(`${String(at).padStart(5)} s  ${fault.label} (${(ms / 1000).toFixed(1)} s), ${ledger.size()} writes so far`)
      }
    }
    while (Date.now() < until) await pause(500)
    if (checksMemory) await memory.collectGarbage()
  } finally {
    system.restore()
    stopping.abort()
    await Promise.race([
      allWriters.finally(() => traffic.stopRetrying()),
      pause(130_000, undefined, { ref: false }).then(() => traffic.stopRetrying()),
    ])
    memory.stop()
  }
  await allWriters
  const to = Date.now()
  return { windows, ledger, traffic, tokens, samples: memory.samples, afterGc: memory.afterGc, from, to, measuredFrom }
}
