import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { growthOf, watchMemory } from '../faults/memory.ts'
import { collecting } from '../faults/replica.ts'

const running: ChildProcess[] = []
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** Does `work` again and again; given once that has begun. */
const watched = async (name: string, work: string) => {
  const loop = `const kept = []; let n = 0; setInterval(() => { ${work}; if (++n === 50) console.log('warm') }, 20)`
  const child = spawn(process.execPath, [...collecting, '-e', loop])
  running.push(child)
  await once(child.stdout, 'data', { signal: AbortSignal.timeout(15_000) })
  return { name, pid: () => child.pid ?? 0, startedAt: () => 1 }
}

describe('memory of the fault suite', () => {
  it('tells a process that keeps what it makes from one that only has not cleared up yet', async () => {
    const made = "'x'.repeat(1e5).split('').join(' ')"
    const processes = [watched('leaking', `kept.push(${made})`), watched('tidy', `kept[0] = ${made}`)]
    const memory = watchMemory(await Promise.all(processes), 1_000)
    await memory.collect()
    await pause(4_000)
    await memory.collect()
    memory.stop()
    const growth = Object.fromEntries(growthOf(memory.collected).map(({ name, perMinute }) => [name, perMinute]))
    expect(growth['leaking']).toBeGreaterThan(50)
    expect(Math.abs(growth['tidy'] ?? Number.NaN)).toBeLessThan(50)
  }, 30_000)
})
