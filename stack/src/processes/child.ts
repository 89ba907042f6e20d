import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { birthOf, isAlive, listRecords, type ProcessRecord, removeRecord, writeRecord } from './pid-file.ts'
import type { Launch } from './unprivileged.ts'

export type ChildOptions = Launch & {
  name: string
  /** The data folder. Logs go to `logs/`, records of processes to `run/`. */
  home: string
  env?: NodeJS.ProcessEnv
  cwd?: string
  stopSignal?: NodeJS.Signals
  stopTimeoutMs?: number
}

/**
 * `exited` and `stop` resolve to how the process ended, such as `code 0` or `SIGKILL`. `stop` kills the process after
 * `timeoutMs`, default `stopTimeoutMs`.
 */
export type Child = {
  name: string
  pid: number
  exited: Promise<string>
  stop: (timeoutMs?: number) => Promise<string>
}

/** The stop timeout of a process that never got ready: some ignore signals while they start. */
export const failedStartTimeoutMs = 3000

export const logFile = (home: string, name: string): string => join(home, 'logs', `${name}.log`)
const maxLogBytes = 10 << 20

/** Returns the log file to append to. One over 10 MB is renamed to `<name>.log.1`, which replaces the previous one. */
export const prepareLogFile = (home: string, name: string): string => {
  const file = logFile(home, name)
  mkdirSync(join(home, 'logs'), { recursive: true })
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(file, `${file}.1`)
  return file
}

export const runFolder = (home: string): string => join(home, 'run')

/** Starts a process in its own session: Ctrl-C only reaches the launcher, which stops all processes in order. */
export const startChild = async (options: ChildOptions): Promise<Child> => {
  const log = openSync(prepareLogFile(options.home, options.name), 'a')
  const child = spawn(options.command, options.args, {
    detached: true,
    stdio: ['ignore', log, log],
    env: options.env ?? process.env,
    cwd: options.cwd ?? options.home,
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
  })
  closeSync(log)
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`))
    child.once('error', (error) => resolve(error.message))
  })
  if (child.pid === undefined) throw new Error(`${options.name} could not be started: ${await exited}`)
  const pid = child.pid
  const record = writeRecord(runFolder(options.home), options.name, pid)
  const stop = async (timeoutMs = options.stopTimeoutMs ?? 15_000) => {
    await stopRecorded(record, options.stopSignal ?? 'SIGTERM', timeoutMs)
    const result = await exited
    removeRecord(runFolder(options.home), options.name)
    return result
  }
  return { name: options.name, pid, exited, stop }
}

/** Sends the signal and, after `timeoutMs`, kills the process group. A process that merely has the same id is left alone. */
export const stopRecorded = async (record: ProcessRecord, signal: NodeJS.Signals, timeoutMs: number): Promise<void> => {
  if (!isAlive(record)) return
  trySignal(record.pid, signal)
  const end = Date.now() + timeoutMs
  while (isAlive(record) && Date.now() < end) await pause(25)
  if (!isAlive(record)) return
  trySignal(-record.pid, 'SIGKILL')
  trySignal(record.pid, 'SIGKILL')
  while (birthOf(record.pid) === record.birth) await pause(25)
}

const trySignal = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch {
    // The process has ended in the meantime.
  }
}

/** Stops the processes that an earlier launcher of this data folder left behind. @returns their names */
export const stopLeftovers = async (home: string): Promise<string[]> => {
  const records = listRecords(runFolder(home))
  const alive = records.filter(isAlive)
  await Promise.all(alive.map((record) => stopRecorded(record, leftoverSignal(record.name), 15_000)))
  for (const record of records) removeRecord(runFolder(home), record.name)
  return alive.map((record) => record.name)
}

// On SIGTERM PostgreSQL waits for its clients; SIGINT is its fast shutdown.
const leftoverSignal = (name: string): NodeJS.Signals => (name === 'postgres' ? 'SIGINT' : 'SIGTERM')

/** The last lines of a log, for error messages. */
export const logTail = (home: string, name: string, lines = 12): string => {
  try {
    return readFileSync(logFile(home, name), 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}
