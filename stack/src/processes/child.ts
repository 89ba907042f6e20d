import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { birthOf, isAlive, listRecords, type ProcessRecord, removeRecord, writeRecord } from './pid-file.ts'
import type { Launch } from './unprivileged.ts'

export type ChildOptions = Launch & {
  name: string
  /** Folder of the data; logs go to `logs/`, records of processes to `run/`. */
  home: string
  env?: NodeJS.ProcessEnv
  cwd?: string
  stopSignal?: NodeJS.Signals
  stopTimeoutMs?: number
}

/** `stop` may be given less time than usual before it kills, for a process that never got ready. Resolves to how it ended. */
export type Child = {
  name: string
  pid: number
  exited: Promise<string>
  stop: (timeoutMs?: number) => Promise<string>
}

/** For a process that is given up before it was ready: some do not listen to signals while they start. */
export const giveUpMs = 3000

export const logFile = (home: string, name: string): string => join(home, 'logs', `${name}.log`)
const maxLogBytes = 10 << 20

/** The log to append to; one that has grown large is put aside, and replaces the one put aside before. */
export const preparedLog = (home: string, name: string): string => {
  const file = logFile(home, name)
  mkdirSync(join(home, 'logs'), { recursive: true })
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) renameSync(file, `${file}.1`)
  return file
}

export const runFolder = (home: string): string => join(home, 'run')

/** Starts a process in a session of its own, so that Ctrl-C reaches only us and we stop everything in order. */
export const startChild = async (options: ChildOptions): Promise<Child> => {
  const log = openSync(preparedLog(options.home, options.name), 'a')
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
  if (child.pid === undefined) throw new Error(`${options.name} cannot be started: ${await exited}`)
  const pid = child.pid
  const record = writeRecord(runFolder(options.home), options.name, pid)
  const stop = async (timeoutMs = options.stopTimeoutMs ?? 15_000) => {
    await stopRecorded(record, options.stopSignal ?? 'SIGTERM', timeoutMs)
    const how = await exited
    removeRecord(runFolder(options.home), options.name)
    return how
  }
  return { name: options.name, pid, exited, stop }
}

/** Signals the process and, when the time is over, kills its whole group. Never touches a process that is not the recorded one. */
export const stopRecorded = async (record: ProcessRecord, signal: NodeJS.Signals, timeoutMs: number): Promise<void> => {
  if (!isAlive(record)) return
  signalQuietly(record.pid, signal)
  const end = Date.now() + timeoutMs
  while (isAlive(record) && Date.now() < end) await pause(25)
  if (!isAlive(record)) return
  signalQuietly(-record.pid, 'SIGKILL')
  signalQuietly(record.pid, 'SIGKILL')
  while (birthOf(record.pid) === record.birth) await pause(25)
}

const signalQuietly = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone between the look and the signal.
  }
}

/** Stops what an earlier launcher left behind in this data folder. Returns the names. */
export const stopLeftovers = async (home: string): Promise<string[]> => {
  const records = listRecords(runFolder(home))
  const alive = records.filter(isAlive)
  await Promise.all(alive.map((record) => stopRecorded(record, leftoverSignal(record.name), 15_000)))
  for (const record of records) removeRecord(runFolder(home), record.name)
  return alive.map((record) => record.name)
}

// PostgreSQL waits for its clients on SIGTERM; SIGINT is its fast shutdown.
const leftoverSignal = (name: string): NodeJS.Signals => (name === 'postgres' ? 'SIGINT' : 'SIGTERM')

/** The last lines of a log, for an error message. */
export const logTail = (home: string, name: string, lines = 12): string => {
  try {
    return readFileSync(logFile(home, name), 'utf8').trimEnd().split('\n').slice(-lines).join('\n')
  } catch {
    return ''
  }
}
