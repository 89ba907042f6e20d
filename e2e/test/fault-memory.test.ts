import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { growthOf, watchMemory } from '../faults/memory.ts'
import { collecting } from '../faults/replica.ts'

const running: ChildProcess[] = []
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
})

const watched = (name: string, work: string) => {
  const child = spawn(process.execPath, [...collecting, '-e', `const kept = []; setInterval(() => { ${work} }, 20)`])
  running.push(child)
  return { name, pid: () => child.pid ?? 0, startedAt: () => 1 }
}

describe('memory of the fault suite', () => {
  it('tells a process that keeps what it makes from one that only has not cleared up yet', async () => {
    const made = "'x'.repeat(1e5).split('').join(' ')"
    const memory = watchMemory([watched('leaking', `kept.push(${made})`), watched('tidy', `kept[0] = ${made}`)], 1_000)
    await pause(3_000)
    await memory.collect()
    await pause(4_000)
    await memory.collect()
    memory.stop()
    const growth = Object.fromEntries(growthOf(memory.collected).map(({ name, perMinute }) => [name, perMinute]))
    expect(growth['leaking']).toBeGreaterThan(50)
    expect(Math.abs(growth['tidy'] ?? Number.NaN)).toBeLessThan(50)
  }, 30_000)
})
