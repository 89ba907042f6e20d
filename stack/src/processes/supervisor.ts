import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { configErrorExitCode } from '@clientele/platform/runtime/config'
import { logFile, prepareLogFile, runFolder, stopRecorded } from './child.ts'
import { projectRoot } from './folders.ts'
import { nodeFlagsOf } from './node-memory.ts'
import { removeRecord, writeRecord } from './pid-file.ts'

export type SupervisorOptions = {
  name: string
  home: string
  env: NodeJS.ProcessEnv
  /** Restarts the service when a source file changes. */
  watch: boolean
  log: (text: string) => void
  /** Receives the errors that the service logs. */
  onError: (message: string) => void
}

export type Supervised = {
  stop: () => Promise<void>
  /** Rejects with the output of the process if it ended because its configuration is wrong. It is not restarted then. */
  misconfigured: Promise<never>
}

const maxPauseMs = 10_000
/** A process that ran this long was healthy: the pause before its restart is the shortest again. */
const healthyAfterMs = 30_000

/** Runs a service with its log in a file. Restarts it when it ends, after pauses from 0.5 s to 10 s. */
export const supervise = ({ name, home, env, watch, log, onError }: SupervisorOptions): Supervised => {
  const logStream = createWriteStream(prepareLogFile(home, name), { flags: 'a' })
  const args = [
    ...nodeFlagsOf(name),
    ...(watch ? ['--watch', '--watch-preserve-output'] : []),
    join(name, 'src', 'main.ts'),
  ]
  let stopping = false
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let stopChild = async (): Promise<void> => undefined
  const { promise: misconfigured, reject } = Promise.withResolvers<never>()
  misconfigured.catch(() => undefined)

  const start = () => {
    const startedAt = Date.now()
    const child = spawn(process.execPath, args, {
      cwd: projectRoot,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let lastError = ''
    watchOutput(child, (line, isError) => {
      logStream.write(`${line}\n`)
      const error = errorIn(line, isError)
      if (!error || stopping) return
      lastError = error
      onError(error)
    })
    if (child.pid !== undefined) {
      const record = writeRecord(runFolder(home), name, child.pid)
      stopChild = () => stopRecorded(record, 'SIGTERM', 12_000)
    }
    const onExit = (result: string) => {
      removeRecord(runFolder(home), name)
      if (stopping) return
      if (result === `code ${configErrorExitCode}` && !watch) {
        // The last line may not have been read yet.
        child.once('close', () => setImmediate(() => reject(new Error(`${name}: ${lastError}`))))
        return
      }
      failures = Date.now() - startedAt > healthyAfterMs ? 1 : failures + 1
      const pauseMs = Math.min(500 * 2 ** (failures - 1), maxPauseMs)
      log(`ended (${result}), restarts in ${pauseMs / 1000} s; log: ${logFile(home, name)}`)
      timer = setTimeout(start, pauseMs)
    }
    child.once('exit', (code, signal) => onExit(signal ?? `code ${code}`))
    child.once('error', (error) => onExit(error.message))
  }
  start()
  const stop = async () => {
    stopping = true
    clearTimeout(timer)
    await stopChild()
    await new Promise<void>((done) => logStream.end(done))
  }
  return { stop, misconfigured }
}

const watchOutput = (child: ChildProcess, onLine: (line: string, isError: boolean) => void): void => {
  if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => onLine(line, false))
  if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => onLine(line, true))
}

/** The error in a log line: the message of an entry of level error or above, or plain text on stderr that mentions an error. */
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
