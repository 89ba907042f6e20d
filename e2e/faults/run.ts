import { setTimeout as pause } from 'node:timers/promises'
import { eventually } from '@clientele/platform/testing/wait'
import { customerWriter } from './customer-writer.ts'
import { allFaults, type Fault } from './faults.ts'
import { createLedger } from './ledger.ts'
import { watchMemory } from './memory.ts'
import { orderWriter } from './order-writer.ts'
import { lastingPeople } from './people.ts'
import { uploadWriter } from './photo-steps.ts'
import { createRandom, type Random } from './random.ts'
import type { FaultSystem } from './system.ts'
import { createTraffic } from './traffic.ts'
import { signUpWriter, userWriter } from './user-writer.ts'
import { createWindows, type Windows } from './windows.ts'
import { runWriter, type WriterParts } from './writers.ts'

export type RunOptions = { seed: number; minutes: number; say: (text: string) => void }

/** What a run leaves to be looked at. */
export type Outcome = Awaited<ReturnType<typeof runFaults>>

const settleMs = 1_500
const sampleMs = 5_000
/** From this length on the last third leaves the processes alone, so that their memory can be followed. */
export const longMinutes = 10
// A process grows at first however good it is.
const warmShare = 1 / 4

const patientMinutes = 5

const writersOf = (parts: Omit<WriterParts, 'random' | 'name'>, random: Random) => {
  const kinds = [
    ...Array.from({ length: 8 }, () => ({ kind: 'customers', make: customerWriter })),
    ...Array.from({ length: 2 }, () => ({ kind: 'uploads', make: uploadWriter })),
    ...Array.from({ length: 2 }, () => ({ kind: 'users', make: userWriter })),
    ...Array.from({ length: 4 }, () => ({ kind: 'orders', make: orderWriter })),
    { kind: 'signups', make: signUpWriter },
  ]
  return kinds.map(({ kind, make }, index) => {
    const own = createRandom(random.below(2 ** 31))
    return { writer: make({ ...parts, random: own, name: `${kind}${index}` }), random: own }
  })
}

/** One fault with all that it takes until everything is ready again. */
const suffer = async (fault: Fault, system: FaultSystem, windows: Windows): Promise<number> => {
  const window = windows.open(fault.label, fault.cost)
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
    await pause(settleMs)
  } finally {
    windows.close(window)
  }
  return Date.now() - window.from
}

/** Keeps writing while one fault after the other happens, at least each once, for `minutes`. */
export const runFaults = async (system: FaultSystem, { seed, minutes, say }: RunOptions) => {
  const random = createRandom(seed)
  const windows = createWindows()
  const ledger = createLedger()
  const traffic = createTraffic({ gateway: system.gateway, windows, random: createRandom(seed + 1) })
  const people = await lastingPeople()
  const memory = watchMemory(system.replicas, sampleMs)
  const ending = new AbortController()
  const writers = writersOf({ traffic, ledger, people }, random).map(({ writer, random: own }) =>
    runWriter(writer, own, ending.signal),
  )
  const work = Promise.all(writers)
  work.catch(() => {})

  const from = Date.now()
  const until = from + minutes * 60_000
  const long = minutes >= longMinutes
  const calmFrom = long ? from + (until - from) * (2 / 3) : until
  const calmSince = calmFrom + (until - calmFrom) * warmShare
  try {
    for (let round = 1; round === 1 || Date.now() < until; round++) {
      const faults = allFaults(system, random, { patient: minutes >= patientMinutes })
      for (const fault of random.shuffled(faults)) {
        if (round > 1 && Date.now() >= until) break
        if (fault.restarts && round > 1 && Date.now() >= calmFrom) continue
        // Never while processes are started: one that does not know the signal yet would end.
        if (long && memory.collected.length === 0 && Date.now() >= calmSince) await memory.collect()
        await pause(1_000 + random.below(2_000))
        const at = Math.round((Date.now() - from) / 1000)
        const ms = await suffer(fault, system, windows)
        say(`${String(at).padStart(5)} s  ${fault.label} (${(ms / 1000).toFixed(1)} s), ${ledger.size()} writes so far`)
      }
    }
    while (Date.now() < until) await pause(500)
    if (long) await memory.collect()
  } finally {
    system.heal()
    ending.abort()
    await Promise.race([
      work.finally(() => traffic.end()),
      pause(130_000, undefined, { ref: false }).then(() => traffic.end()),
    ])
    memory.stop()
  }
  await work
  const to = Date.now()
  return { windows, ledger, traffic, people, samples: memory.samples, collected: memory.collected, from, to, calmSince }
}
