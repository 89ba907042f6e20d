import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logTail, runFolder, startChild, stopLeftovers } from '../src/processes/child.ts'
import { acquireLauncherLock, releaseLauncherLock, runningLauncher } from '../src/processes/launcher-lock.ts'
import { birthOf, isAlive, listRecords, writeRecord } from '../src/processes/pid-file.ts'
import { waitFor } from '../src/processes/wait.ts'

describe('Process records', () => {
  let home = ''
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'clientele-records-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  const sleeper = () => spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })

  it('stopLeftovers stops the processes that an interrupted start left behind', async () => {
    const child = sleeper()
    const ended = new Promise((done) => child.once('exit', done))
    writeRecord(runFolder(home), 'left', child.pid ?? 0)
    expect(await stopLeftovers(home)).toEqual(['left'])
    await ended
    expect(listRecords(runFolder(home))).toEqual([])
  })

  it('stopLeftovers does not stop another process with the same id as a recorded one', async () => {
    const child = sleeper()
    const record = { name: 'other', pid: child.pid ?? 0, birth: 'long ago' }
    writeRecord(runFolder(home), 'other', record.pid)
    writeFileSync(join(runFolder(home), 'other.json'), JSON.stringify(record))
    expect(await stopLeftovers(home)).toEqual([])
    expect(birthOf(record.pid)).toBeDefined()
    const ended = new Promise((done) => child.once('exit', done))
    child.kill('SIGKILL')
    await ended
    expect(isAlive({ ...record, birth: birthOf(record.pid) ?? 'gone' })).toBe(false)
  })

  it('listRecords ignores a record that is not JSON or names process 1', async () => {
    writeRecord(runFolder(home), 'x', process.pid)
    writeFileSync(join(runFolder(home), 'broken.json'), '{')
    writeFileSync(join(runFolder(home), 'init.json'), JSON.stringify({ name: 'init', pid: 1, birth: birthOf(1) ?? '' }))
    expect(listRecords(runFolder(home)).map(({ name }) => name)).toEqual(['x'])
  })

  it('stop kills a process that ignores SIGTERM, with its children', async () => {
    const script = 'trap "" TERM; sleep 61 & echo "child $!"; while :; do wait; done'
    const child = await startChild({
      name: 'ignores-sigterm',
      home,
      command: '/bin/sh',
      args: ['-c', script],
      stopTimeoutMs: 200,
    })
    const pid = await waitFor(async () => Number(/child (\d+)/.exec(logTail(home, 'ignores-sigterm'))?.[1]), {
      name: 'sh',
      timeoutMs: 5000,
    })
    expect(birthOf(pid)).toBeDefined()
    await child.stop()
    expect(await child.exited).toBe('SIGKILL')
    expect(birthOf(pid)).toBeUndefined()
  })

  it('only one launcher at a time can lock a data folder, and a dead launcher does not hold it', async () => {
    const child = sleeper()
    writeRecord(home, 'launcher', child.pid ?? 0, 'http://localhost:1')
    expect(acquireLauncherLock(home, 'http://localhost:2')?.url).toBe('http://localhost:1')
    const ended = new Promise((done) => child.once('exit', done))
    child.kill('SIGKILL')
    await ended
    expect(runningLauncher(home)).toBeUndefined()
    expect(acquireLauncherLock(home, 'http://localhost:2')).toBeUndefined()
    expect(runningLauncher(home)?.pid).toBe(process.pid)
    releaseLauncherLock(home)
    expect(runningLauncher(home)).toBeUndefined()
  })
})
