import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { logFile, preparedLog, runFolder, stopRecorded } from './child.ts'
import { projectRoot } from './folders.ts'
import { nodeFlagsOf } from './node-memory.ts'
import { removeRecord, writeRecord } from './pid-file.ts'

export type SupervisorOptions = {
  name: string
  home: string
  env: NodeJS.ProcessEnv
  /** Restart on every change of a source file. */
  watch: boolean
  say: (text: string) => void
}

export type Supervised = { stop: () => Promise<void> }

const longestPauseMs = 10_000
/** A process that ran that long was well; its next end counts as the first again. */
const wellAfterMs = 30_000

/** Runs a service and starts it again when it ends, with growing pauses. Its log goes to a file; errors are shown. */
export const supervise = ({ name, home, env, watch, say }: SupervisorOptions): Supervised => {
  const log = createWriteStream(preparedLog(home, name), { flags: 'a' })
  const args = [
    ...nodeFlagsOf(name),
    ...(watch ? ['--watch', '--watch-preserve-output'] : []),
    join(name, 'src', 'main.ts'),
  ]
  let stopping = false
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let stopChild = async (): Promise<void> => undefined

  const start = () => {
    const startedAt = Date.now()
    const child = spawn(process.execPath, args, {
      cwd: projectRoot,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    watchOutput(child, (line, isError) => {
      log.write(`${line}\n`)
      const error = errorIn(line, isError)
      if (error && !stopping) say(error)
    })
    if (child.pid !== undefined) {
      const record = writeRecord(runFolder(home), name, child.pid)
      stopChild = () => stopRecorded(record, 'SIGTERM', 12_000)
    }
    const ended = (how: string) => {
      removeRecord(runFolder(home), name)
      if (stopping) return
      failures = Date.now() - startedAt > wellAfterMs ? 1 : failures + 1
      const pause = Math.min(500 * 2 ** (failures - 1), longestPauseMs)
      say(`ended (${how}), starts again in ${pause / 1000} s; see ${logFile(home, name)}`)
      timer = setTimeout(start, pause)
    }
    child.once('exit', (code, signal) => ended(signal ?? `code ${code}`))
    child.once('error', (error) => ended(error.message))
  }
  start()
  const stop = async () => {
    stopping = true
    clearTimeout(timer)
    await stopChild()
    await new Promise<void>((done) => log.end(done))
  }
  return { stop }
}

const watchOutput = (child: ChildProcess, onLine: (line: string, isError: boolean) => void): void => {
  if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => onLine(line, false))
  if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => onLine(line, true))
}

/** What of a log line a person should see at once: entries of level error and above, and bare words on stderr. */
const errorIn = (line: string, isError: boolean): string | undefined => {
  if (!line.startsWith('{')) return isError && /error|cannot|configuration/i.test(line) ? line : undefined
  try {
    const entry = JSON.parse(line) as { level?: unknown; msg?: unknown; err?: { message?: unknown } }
    const serious =
      typeof entry.level === 'number' ? entry.level >= 50 : entry.level === 'error' || entry.level === 'fatal'
    return serious ? [entry.msg, entry.err?.message].filter(Boolean).join(': ') : undefined
  } catch {
    return undefined
  }
}
