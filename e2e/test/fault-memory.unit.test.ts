import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { memoryGrowth, watchMemory } from '../faults/memory.ts'
import { gcNodeFlags } from '../faults/replica.ts'

const running: ChildProcess[] = []
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a process that runs `work` in a loop. Resolves after fifty rounds. */
const startLoop = async (name: string, work: string) => {
  const loop = `const kept = []; let n = 0; setInterval(() => { ${work}; if (++n === 50) console.log('warm') }, 20)`
  const child = spawn(process.execPath, [...gcNodeFlags, '-e', loop])
  running.push(child)
  await once(child.stdout, 'data', { signal: AbortSignal.timeout(15_000) })
  return { name, pid: () => child.pid ?? 0, startedAt: () => 1 }
}

describe('Memory measurement of the fault suite', () => {
  it('the measurement distinguishes a process that leaks from one with uncollected garbage', async () => {
    const made = "'x'.repeat(1e5).split('').join(' ')"
    const processes = [startLoop('leaking', `kept.push(${made})`), startLoop('tidy', `kept[0] = ${made}`)]
    const memory = watchMemory(await Promise.all(processes), 1_000)
    await memory.collectGarbage()
    await pause(6_000)
    await memory.collectGarbage()
    memory.stop()
    const growth = Object.fromEntries(memoryGrowth(memory.afterGc).map(({ name, perMinute }) => [name, perMinute]))
    const leaking = growth['leaking'] ?? Number.NaN
    expect(leaking).toBeGreaterThan(50)
    // A few megabytes of noise count as more in a minute, but never near the growth of a leak.
    expect(Math.abs(growth['tidy'] ?? Number.NaN)).toBeLessThan(leaking / 3)
  }, 30_000)
})
